import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Fleet, SET_CLOCK } from '@adtally/breaking-run';
import { migrate, openDatabase, readWriteGuards, type Database } from '@adtally/db';
import { simulate, type Mix } from '@adtally/event-simulator';
import {
  kafkaBrokers,
  redisUrl,
  ServiceProcess,
  testDatabase,
  testTopic,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { onTestFinished } from 'vitest';
import { LifeBooks } from './books.ts';

export const DAY_MS = 86_400_000;
const NOON_MS = DAY_MS / 2;
/** Of events. Above the late window and above the oldest impression of which a simulated event comes. */
export const RETENTION_DAYS = 12;
const PARTITIONS = 4;
const WAIT_MS = 120_000;
const LAST_WORDS = 500;
const APPS = resolve(import.meta.dirname, '../../../../apps');

export interface Produced {
  readonly events: number;
  readonly seed: number;
  /** Records a second; as fast as it goes where undefined. */
  readonly rate?: number;
  readonly mix?: Partial<Mix>;
}

/** A whole pipeline whose backfill-runner is told the days; the servers and their clocks are real. */
export interface Life {
  readonly db: Database;
  readonly books: LifeBooks;
  readonly fleet: Fleet;
  readonly topic: string;
  /** For files of a test; gone when it ends. */
  readonly folder: string;
  /** Tells backfill-runner that it is noon of a day, ms since 1970 of its midnight (UTC). */
  begin(dayMs: number): void;
  /** Sends the events of a day, and books them by the horizon that will stand once all is dropped that is due. */
  produce(dayMs: number, what: Produced): Promise<void>;
  /** Waits until all that was produced is counted. */
  untilCounted(): Promise<void>;
  /**
   * Drops what is due on the day that has begun.
   *
   * @param killedAfterMs the first process that tries is killed so long after it raised the horizon; null: none is
   * @returns whether one was killed before all was dropped
   */
  drop(killedAfterMs: number | null): Promise<boolean>;
  /** Runs an app's command; resolves with its exit code and what it printed. */
  run(app: 'ops' | 'backfill-runner', ...args: readonly string[]): Promise<Ended>;
  /** As `run`; resolves with standard output, rejects where the command does not end with 0. */
  succeed(app: 'ops' | 'backfill-runner', ...args: readonly string[]): Promise<string>;
}

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The days before which all is dropped on a day, ms since 1970. */
export function horizonOf(dayMs: number): number {
  return dayMs - RETENTION_DAYS * DAY_MS;
}

export async function beginLife(): Promise<Life> {
  const [brokers, redis, database] = await Promise.all([
    kafkaBrokers(),
    redisUrl(),
    testDatabase(async (url) => void (await migrate(url))),
  ]);
  const [topic, dlq, dead] = await Promise.all([
    testTopic({ partitions: PARTITIONS }),
    testTopic({ partitions: 2 }),
    testTopic({ partitions: 1 }),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'adtally-life-'));
  const db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    KAFKA_BROKERS: brokers,
    DATABASE_URL: database.url,
    REDIS_URL: redis,
    EVENTS_TOPIC: topic.name,
    DLQ_TOPIC: dlq.name,
    DEAD_TOPIC: dead.name,
    CONSUMER_GROUP: uniqueName('life'),
    // Who is killed comes back as the member it was, at once.
    GROUP_INSTANCE_ID: 'life',
    REPROCESSOR_GROUP: uniqueName('life'),
    BATCH_LINGER_MS: '20ms',
    ROLLUP_SETTLE_MS: '0',
    ROLLUP_TURN_MS: '100ms',
    EVENTS_RETENTION_DAYS: String(RETENTION_DAYS),
    ARCHIVE_URL: `file://${join(folder, 'archive')}`,
    ADMIN_PORT: '0',
  };
  const clocks = join(folder, 'clocks');
  const clocked = { ...env, SET_CLOCK_FILE: join(clocks, 'backfill') };
  const fleet = new Fleet(env, { consumers: 1, clocks });
  onTestFinished(async () => {
    await fleet.end();
    await db.destroy();
    await Promise.all([database.drop(), topic.delete(), dlq.delete(), dead.delete()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const books = new LifeBooks();
  let todayMs = 0;
  return {
    db,
    books,
    fleet,
    topic: topic.name,
    folder,
    begin(dayMs) {
      todayMs = dayMs;
      fleet.one('backfill').setClock(dayMs + NOON_MS - Date.now());
    },
    async produce(dayMs, { events, seed, rate, mix }) {
      await simulate({
        brokers,
        topic: topic.name,
        events,
        seed,
        rate,
        mix,
        baseTimeMs: dayMs + NOON_MS,
        clockMs: CLOCK_MS,
        onOutcome: (truth, outcome) => books.enter(truth, outcome, horizonOf(todayMs)),
      });
    },
    async untilCounted() {
      const counted = async () => {
        const { rows } = await sql<{
          sum: bigint;
        }>`SELECT coalesce(sum(l.consumed), 0)::bigint AS sum FROM ledger l JOIN sources s USING (source_id)
           WHERE s.kind = 'events'`.execute(db);
        return Number(rows[0]?.sum) >= books.records;
      };
      await waitFor(counted, { what: `${books.records} records counted`, timeoutMs: WAIT_MS });
    },
    async drop(killedAfterMs) {
      const horizonMs = horizonOf(todayMs);
      const isDropped = async () =>
        (await readWriteGuards(db)).horizonMs === horizonMs &&
        (await eventDays(db)).every((dayMs) => dayMs >= horizonMs) &&
        (await rowsBornBefore(db, horizonMs)) === 0;
      const start = () =>
        new ServiceProcess(join(APPS, 'backfill-runner/src/main.ts'), clocked, {
          argv: ['drop-days', '--execute', '--reason', 'a new day'],
          preload: SET_CLOCK,
        });
      let wasKilled = false;
      if (killedAfterMs !== null) {
        const killed = start();
        const hasBegun = async () => (await readWriteGuards(db)).horizonMs === horizonMs;
        await killed.until('a raised horizon', hasBegun);
        await Promise.race([sleep(killedAfterMs), killed.ended]);
        await killed.kill();
        wasKilled = !(await isDropped());
      }
      const dropped = async () => {
        if (await isDropped()) return true;
        const { code, stdout, stderr } = await start().ended;
        if (await isDropped()) return true;
        throw new Error(`drop-days ended with ${code}: ${stdout}${stderr.slice(-LAST_WORDS)}`);
      };
      const what = `all dropped before ${new Date(horizonMs).toISOString()}`;
      await waitFor(dropped, { what, timeoutMs: WAIT_MS });
      return wasKilled;
    },
    run: (app, ...args) => runApp(app, args, env),
    async succeed(app, ...args) {
      const { code, stdout, stderr } = await runApp(app, args, env);
      if (code !== 0) throw new Error(`${app} ${args.join(' ')}: ${code}\n${stdout}${stderr}`);
      return stdout;
    },
  };
}

/** One instant for a whole life, so that a day sent again is the same. */
const CLOCK_MS = Date.now();

/** The days that have a partition, ms since 1970 of their midnights. */
export async function eventDays(db: Database): Promise<number[]> {
  const { rows } = await sql<{
    name: string;
  }>`SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'events'::regclass AND c.relname ~ '^events_[0-9]{8}$'`.execute(db);
  return rows.map(({ name }) => {
    const [year, month, day] = [name.slice(7, 11), name.slice(11, 13), name.slice(13)].map(Number);
    return Date.UTC(year ?? 0, (month ?? 0) - 1, day);
  });
}

/** Events of impressions born before a day that have a time: also those of days that never had a partition. */
async function rowsBornBefore(db: Database, dayMs: number): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    SELECT count(*)::int AS rows FROM events
    WHERE rollup_cohort(impression_id) >= 0
      AND impression_id < first_id_of((to_timestamp(${dayMs / 1000}) AT TIME ZONE 'UTC')::date)`.execute(
    db,
  );
  return rows[0]?.rows ?? 0;
}

async function runApp(
  app: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const argv = ['--conditions=@adtally/source', join(APPS, app, 'src/main.ts'), ...args];
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, argv, { env });
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}
