import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { ADVISORY_LOCKS, ADVISORY_LOCK_CLASS } from './advisory-locks.ts';
import type { Database, DatabaseExecutor } from './database.ts';
import { type EventDay, eventDays } from './event-days.ts';
import { readWriteGuards } from './write-guards.ts';

/** Which days are to be there. */
export interface EventDaysWanted {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Days before now; late events older than that live in the default partition. */
  readonly daysBehind?: number;
  readonly hoursAhead?: number;
}

export interface EnsureDayPartitionsOptions extends EventDaysWanted {
  /** How long one DDL statement may queue for a lock, with writers queueing behind it. */
  readonly lockTimeoutMs?: number;
  /** Tries a step gets before the day is left for the next run. */
  readonly attempts?: number;
}

export interface EnsureDayPartitionsResult {
  /** False where another runner was at it: nothing was looked at. */
  readonly ran: boolean;
  /** Labels (yyyymmdd) of the days made now. */
  readonly created: readonly string[];
  /** Days that stay in the default partition, since rows of theirs are there already. */
  readonly keptInDefault: readonly string[];
  /** Days whose locks could not be had in time; the next run tries again. */
  readonly postponed: readonly string[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_DAYS_BEHIND = 7;
const DEFAULT_HOURS_AHEAD = 48;
const DEFAULT_LOCK_TIMEOUT_MS = 200;
/** Longest silence of this client inside a step, whose locks writers may be waiting for. */
const STEP_SILENCE_MS = 2_000;
const DEFAULT_ATTEMPTS = 20;
const RETRY_PAUSE_MIN_MS = 50;
const RETRY_PAUSE_SPREAD_MS = 200;

const CHECK_VIOLATION = '23514';
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/**
 * Makes the day partitions from `daysBehind` before now (never below the retention horizon) to
 * `hoursAhead` after it. Never in the write path; one runner at a time, others return at once.
 * Killed at any step it leaves what the next run clears away. While a day is being attached, a
 * writer of that very day may see 23514, without a constraint's name or with
 * `events_default_excludes_<yyyymmdd>`: transient, write again.
 */
export async function ensureDayPartitions(
  db: Database,
  options: EnsureDayPartitionsOptions,
): Promise<EnsureDayPartitionsResult> {
  return await db.connection().execute(async (connection) => {
    const key = sql`${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.partitions)}`;
    const lock = await sql<{
      taken: boolean;
    }>`SELECT pg_try_advisory_lock(${key}) AS taken`.execute(connection);
    if (!lock.rows[0]?.taken) {
      return { ran: false, created: [], keptInDefault: [], postponed: [] };
    }
    try {
      // A runner that froze between two steps may have left a check that writers run into: it loses
      // its session, and with it the lock, so that the next runner can clear away.
      await setIdleTimeout(connection, STEP_SILENCE_MS);
      return await makeMissingDays(connection, options);
    } finally {
      await setIdleTimeout(connection, null);
      await sql`SELECT pg_advisory_unlock(${key})`.execute(connection);
    }
  });
}

async function setIdleTimeout(connection: Database, idleMs: number | null): Promise<void> {
  await (
    idleMs === null
      ? sql`RESET idle_session_timeout`
      : sql`SET idle_session_timeout = ${sql.lit(idleMs)}`
  ).execute(connection);
}

async function makeMissingDays(
  connection: Database,
  options: EnsureDayPartitionsOptions,
): Promise<EnsureDayPartitionsResult> {
  const result = {
    ran: true,
    created: [] as string[],
    keptInDefault: [] as string[],
    postponed: [] as string[],
  };
  const maker = new PartitionMaker(connection, options);
  const missing = await missingDays(connection, options);
  if (!(await maker.dropLeftovers())) {
    return { ...result, postponed: missing.map((day) => day.label) };
  }
  for (const day of missing) {
    const outcome = await maker.make(day);
    result[outcome].push(day.label);
    // The same lock would be waited for again; let writers pass and leave the rest to the next run.
    if (outcome === 'postponed') {
      result.postponed.push(...missing.slice(missing.indexOf(day) + 1).map((d) => d.label));
      break;
    }
  }
  return result;
}

/** The days that are to be there and are not. */
async function missingDays(
  db: DatabaseExecutor,
  { now, daysBehind = DEFAULT_DAYS_BEHIND, hoursAhead = DEFAULT_HOURS_AHEAD }: EventDaysWanted,
): Promise<EventDay[]> {
  const { horizonMs } = await readWriteGuards(db);
  const fromMs = Math.max(horizonMs, now - daysBehind * DAY_MS, 0);
  const { rows } = await sql<{ table: string }>`
    SELECT c.relname AS "table" FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'events'::regclass`.execute(db);
  const made = new Set(rows.map((row) => row.table));
  return eventDays(fromMs, now + hoursAhead * HOUR_MS).filter((day) => !made.has(day.table));
}

/** A day that cannot be made: rows of its own lie in the default partition already. */
export interface BlockedDay {
  /** yyyymmdd */
  readonly label: string;
  /** How many lie there; counted up to `BLOCKING_ROWS_MAX`. */
  readonly rows: number;
}

/** More rows in the way of a day are not counted: nobody moves a million by hand either. */
export const BLOCKING_ROWS_MAX = 100_000;

/** The days that are to be there and cannot be made. Looks rows up by key; takes no lock. */
export async function blockedDays(
  db: DatabaseExecutor,
  wanted: EventDaysWanted,
): Promise<BlockedDay[]> {
  const blocked: BlockedDay[] = [];
  for (const day of await missingDays(db, wanted)) {
    const { rows } = await sql<{ rows: number }>`
      SELECT count(*)::int AS rows FROM (
        SELECT FROM events_default WHERE impression_id >= ${day.fromId} AND impression_id < ${day.toId}
        LIMIT ${sql.lit(BLOCKING_ROWS_MAX)}) AS r`.execute(db);
    const [found] = rows;
    if (found !== undefined && found.rows > 0) blocked.push({ label: day.label, rows: found.rows });
  }
  return blocked;
}

/** The steps, each a transaction of its own with a short lock timeout and bounded retries. */
class PartitionMaker {
  readonly #db: Database;
  readonly #lockTimeoutMs: number;
  readonly #attempts: number;

  constructor(db: Database, options: EnsureDayPartitionsOptions) {
    this.#db = db;
    this.#lockTimeoutMs = options.lockTimeoutMs ?? DEFAULT_LOCK_TIMEOUT_MS;
    this.#attempts = options.attempts ?? DEFAULT_ATTEMPTS;
  }

  /** Clears what a killed run left: checks on the default partition and tables never attached. */
  async dropLeftovers(): Promise<boolean> {
    return await this.#step(async (trx) => {
      await sql`SELECT drop_event_day_leftovers()`.execute(trx);
    });
  }

  async make(day: EventDay): Promise<'created' | 'keptInDefault' | 'postponed'> {
    // Asked first without any DDL, so that such a day disturbs no writer at every run.
    if (await this.#hasRowsInDefault(day)) return 'keptInDefault';
    try {
      const attached =
        (await this.#step((trx) => take(trx, 'build_event_day', day))) &&
        (await this.#step((trx) => take(trx, 'exclude_event_day', day))) &&
        (await this.#step((trx) => take(trx, 'validate_event_day', day))) &&
        (await this.#step((trx) => take(trx, 'attach_event_day', day)));
      if (attached) return 'created';
      await this.dropLeftovers();
      return 'postponed';
    } catch (error) {
      await this.dropLeftovers();
      if (sqlState(error) === CHECK_VIOLATION) return 'keptInDefault';
      throw error;
    }
  }

  async #hasRowsInDefault(day: EventDay): Promise<boolean> {
    const { rows } = await sql<{ found: boolean }>`
      SELECT EXISTS (SELECT FROM events_default
        WHERE impression_id >= ${day.fromId} AND impression_id < ${day.toId}) AS found`.execute(
      this.#db,
    );
    return rows[0]?.found === true;
  }

  /** False where the locks could not be had in the attempts allowed. */
  async #step(run: (trx: DatabaseExecutor) => Promise<void>): Promise<boolean> {
    for (let attempt = 1; attempt <= this.#attempts; attempt += 1) {
      try {
        await this.#db.transaction().execute(async (trx) => {
          // Frozen between two statements we would keep every writer waiting: then the step is given up.
          await sql`SELECT set_config('lock_timeout', ${String(this.#lockTimeoutMs)}, true),
            set_config('idle_in_transaction_session_timeout', ${String(STEP_SILENCE_MS)}, true)`.execute(
            trx,
          );
          await run(trx);
        });
        return true;
      } catch (error) {
        const state = sqlState(error);
        if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK_DETECTED) throw error;
      }
      // Jitter lets the writers that queued behind the try go first.
      await sleep(RETRY_PAUSE_MIN_MS + Math.random() * RETRY_PAUSE_SPREAD_MS);
    }
    return false;
  }
}

/** What needs the owner of `events` goes through its functions (migrations/0021). */
type DayStep = 'build_event_day' | 'exclude_event_day' | 'validate_event_day' | 'attach_event_day';

async function take(trx: DatabaseExecutor, step: DayStep, { label }: EventDay): Promise<void> {
  await sql`SELECT ${sql.id(step)}(${label}::date)`.execute(trx);
}

function sqlState(error: unknown): string | undefined {
  return (error as { code?: string } | null)?.code;
}
