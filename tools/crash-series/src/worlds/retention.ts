import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { archivedDays, openArchiveStore, verifyDay } from '@adtally/archive';
import { shown, type Message } from '@adtally/pipeline/testing';
import type { Stage } from '../world.ts';
import { jobWorld } from './backfill.ts';
import { ingestedWorld } from './ingested.ts';
import { compared } from './world-database.ts';

const DAY_MS = 86_400_000;
const EVENTS = 12;
/** The first day that leaves, in days before today: then the next one. More than any chain has processes. */
const OLDEST_DAYS = 300;

/** An impression born then; the number makes it another one. */
function bornAt(ms: number, n: number): Message {
  const { key, value, ...rest } = shown(n);
  const time = ms.toString(16).padStart(12, '0');
  const born = `${time.slice(0, 8)}-${time.slice(8)}`;
  const id = String(key);
  const now = `${born}${id.slice(born.length)}`;
  const text = String(value).replaceAll(id, now);
  return { ...rest, timestamp: ms, key: Buffer.from(now), value: Buffer.from(text) };
}

/** backfill-runner drop-days: each day is counted, written to an archive and dropped. */
export const retentionStage: Stage = {
  name: 'backfill-runner drops days',
  protocol: 'retention',
  app: 'backfill-runner',
  open: async (build) => {
    const world = await ingestedWorld();
    const { database, ingest } = world;
    const folder = mkdtempSync(join(tmpdir(), 'adtally-crash-archive-'));
    const url = pathToFileURL(folder).href;
    const store = await openArchiveStore(url);
    const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
    let feeds = 0;
    const dropped = () =>
      database.number('SELECT count(*) FROM retired_days WHERE dropped_at IS NOT NULL');
    const retention = () => OLDEST_DAYS - feeds;
    return await jobWorld(build, world, {
      // A day that is below the horizon takes no events any more: so each feed is of the next day.
      feed: async () => {
        // Nor does a job that is under way take up a day more: it was told how many to leave.
        if (database.isInUse || (await dropped()) < feeds) return;
        const born = today - (OLDEST_DAYS - feeds) * DAY_MS;
        const from = feeds * EVENTS;
        // A try before that had more parts: so there is something to clear.
        const dayFolder = join(folder, `day=${new Date(born).toISOString().slice(0, 10)}`);
        mkdirSync(dayFolder, { recursive: true });
        writeFileSync(join(dayFolder, 'part-00099.parquet'), 'left behind');
        await ingest.take(Array.from({ length: EVENTS }, (_, n) => bornAt(born + n, from + n)));
        feeds += 1;
      },
      fresh: ['drop-days'],
      resume: () => ['drop-days'],
      unfinished: async () => 0,
      env: () => ({ EVENTS_RETENTION_DAYS: String(retention()), ARCHIVE_URL: url }),
      differences: async () => {
        const { whole: days } = await archivedDays(store);
        const events = await Promise.all(
          days.map(async (day) => Number((await verifyDay(store, day)).events)),
        );
        const found = {
          'days dropped': await dropped(),
          'rows that left': await database.number('SELECT sum(rows) FROM retired_day_counts'),
          'rows that stayed': await database.number('SELECT count(*) FROM events'),
          'days archived': days.length,
          'events archived': events.reduce((sum, n) => sum + n, 0),
        };
        return compared(found, {
          'days dropped': feeds,
          'rows that left': feeds * EVENTS,
          'rows that stayed': 0,
          'days archived': feeds,
          'events archived': feeds * EVENTS,
        });
      },
      close: async () => {
        await world.close();
        rmSync(folder, { recursive: true, force: true });
      },
    });
  },
};
