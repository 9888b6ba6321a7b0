import { eventDay } from '../../src/event-days.ts';
import { ensureDayPartitions } from '../../src/partitions.ts';
import type { DropDaysOptions } from '../../src/retention/drop-days.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { idAt } from '../event-rows.ts';
import { CountingWriter, strayAt } from './counting-writer.ts';

export const NOW = Date.parse('2026-01-31T13:00:00Z');
export const DAY_MS = 86_400_000;
export const TODAY = eventDay(NOW).startMs;

/** A retention of 8 days, without an archive. */
export function options(given: Partial<DropDaysOptions> = {}): DropDaysOptions {
  return {
    nowMs: NOW,
    retentionDays: 8,
    archive: null,
    keepsRollups: false,
    signal: new AbortController().signal,
    ...given,
  };
}

/** Days with a partition from 12 days ago on; two writers with events of them, of days without one, and strays. */
export async function world() {
  const database = await migratedDatabase();
  await ensureDayPartitions(database.db, { now: NOW, daysBehind: 12, hoursAhead: 24 });
  // One after the other: the order of their sources is that of their names.
  const writers: CountingWriter[] = [];
  for (const topic of ['one', 'two']) writers.push(await CountingWriter.open(database.url, topic));
  for (const [lane, writer] of writers.entries()) {
    for (let day = -15; day <= 0; day += 1) {
      const ms = TODAY + day * DAY_MS;
      await writer.commit([
        idAt(ms, lane),
        idAt(ms + DAY_MS - 1, lane),
        strayAt(ms + 1_000),
        strayAt(ms + 2_000),
      ]);
    }
  }
  const [one, two] = writers as [CountingWriter, CountingWriter];
  return {
    ...database,
    one,
    two,
    async [Symbol.asyncDispose]() {
      for (const writer of writers) await writer.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
