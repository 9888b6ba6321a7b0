import { sql } from 'kysely';
import { ADVISORY_LOCKS, ADVISORY_LOCK_CLASS } from './advisory-locks.ts';
import { inBoundedStep, sqlState, STEP_SILENCE_MS } from './bounded-step.ts';
import type { Database, DatabaseExecutor } from './database.ts';
import { type EventDay, eventDay, eventDays } from './event-days.ts';
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

/** A day that is to be there and could not be made now. */
export interface UnmadeDay {
  /** yyyymmdd */
  readonly label: string;
  readonly reason: string;
}

export interface EnsureDayPartitionsResult {
  /** False where another runner was at it: nothing was looked at. */
  readonly ran: boolean;
  /** Labels (yyyymmdd) of the days made now. */
  readonly created: readonly string[];
  /** Rows of those days that lay in the default partition and lie in theirs now. */
  readonly movedRows: number;
  /** Days whose locks could not be had in time; the next run tries again. */
  readonly postponed: readonly string[];
  /** Days that PostgreSQL would not have made, each with its words. */
  readonly failed: readonly UnmadeDay[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DEFAULT_DAYS_BEHIND = 7;
const DEFAULT_HOURS_AHEAD = 48;
const DEFAULT_LOCK_TIMEOUT_MS = 200;
const DEFAULT_ATTEMPTS = 20;

/** Rows that are copied in one transaction before a day is attached: none of them is locked for it. */
const COPIED_AT_ONCE = 20_000;
/** A day older than those that are made for every topic gets a partition once so many rows of it lie there. */
const CROWDED_ROWS = 10_000;
/** How far back such days are looked for. */
const CROWDED_DAYS_BEHIND = 400;

/**
 * Makes the day partitions from `daysBehind` before now (never below the retention horizon) to
 * `hoursAhead` after it, and those of older days of which many rows lie in the default partition. Rows that a day has
 * there are moved along (docs/adr/0036). Never in the write path; one runner at a time, others return at once.
 * Killed at any step it leaves what the next run clears away. While a day is attached writers wait; none fails for it.
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
      return { ran: false, created: [], movedRows: 0, postponed: [], failed: [] };
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
  const maker = new PartitionMaker(connection, options);
  const missing = [
    ...(await crowdedDays(connection, options)),
    ...(await missingDays(connection, options)),
  ];
  const result = { ran: true, created: [] as string[], movedRows: 0, failed: [] as UnmadeDay[] };
  if (!(await maker.dropLeftovers())) {
    return { ...result, postponed: missing.map((day) => day.label) };
  }
  for (const [index, day] of missing.entries()) {
    try {
      const movedRows = await maker.make(day);
      if (movedRows === null) {
        // The same lock would be waited for again; let writers pass and leave the rest to the next run.
        return { ...result, postponed: missing.slice(index).map(({ label }) => label) };
      }
      result.created.push(day.label);
      result.movedRows += movedRows;
    } catch (error) {
      if (sqlState(error) === undefined) throw error;
      result.failed.push({ label: day.label, reason: (error as Error).message });
    }
  }
  return { ...result, postponed: [] };
}

/**
 * Days before those of `missingDays` of which many rows lie in the default partition, the oldest first: a topic read
 * from long ago, late events. Each day attached scans that partition, so it must not hold what has a day.
 */
async function crowdedDays(
  db: DatabaseExecutor,
  { now, daysBehind = DEFAULT_DAYS_BEHIND }: EventDaysWanted,
): Promise<EventDay[]> {
  const { horizonMs } = await readWriteGuards(db);
  const fromMs = Math.max(horizonMs, now - CROWDED_DAYS_BEHIND * DAY_MS, 0);
  const untilMs = eventDay(Math.max(now - daysBehind * DAY_MS, 0)).startMs;
  if (fromMs >= untilMs) return [];
  const days = eventDays(fromMs, untilMs - 1);
  const { rows } = await sql<{ label: string }>`
    SELECT day.label FROM unnest(${days.map(({ label }) => label)}::text[],
      ${days.map(({ fromId }) => fromId)}::uuid[], ${days.map(({ toId }) => toId)}::uuid[]) AS day (label, from_id, to_id)
    WHERE EXISTS (SELECT FROM events_default d
      WHERE d.impression_id >= day.from_id AND d.impression_id < day.to_id
      OFFSET ${sql.lit(CROWDED_ROWS - 1)})`.execute(db);
  const crowded = new Set(rows.map(({ label }) => label));
  return days.filter(({ label }) => crowded.has(label));
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

/** How many days are to be there and are not. Takes no lock. */
export async function countMissingDays(
  db: DatabaseExecutor,
  wanted: EventDaysWanted,
): Promise<number> {
  return (await missingDays(db, wanted)).length;
}

/** The steps, each a transaction of its own with a short lock timeout and bounded retries. */
class PartitionMaker {
  readonly #db: Database;
  readonly #lockTimeoutMs: number;
  readonly #attempts: number;
  /** Of the day made last. */
  #movedRows = 0;

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

  /** Returns how many rows it moved along, null where the locks could not be had. */
  async make(day: EventDay): Promise<number | null> {
    try {
      const isMade =
        (await this.#step((trx) => build(trx, day))) &&
        (await this.#copy(day)) &&
        (await this.#step(async (trx) => void (this.#movedRows = await move(trx, day))));
      if (isMade) return this.#movedRows;
    } catch (error) {
      await this.dropLeftovers();
      throw error;
    }
    await this.dropLeftovers();
    return null;
  }

  /** All that lies there now; what comes meanwhile is few, and copied when the day is attached. */
  async #copy(day: EventDay): Promise<boolean> {
    for (;;) {
      let copied = 0;
      const isCopied = await this.#step(async (trx) => void (copied = await copy(trx, day)));
      if (!isCopied || copied < COPIED_AT_ONCE) return isCopied;
    }
  }

  /** False where the locks could not be had in the attempts allowed. */
  async #step(run: (trx: DatabaseExecutor) => Promise<void>): Promise<boolean> {
    const [lockTimeoutMs, attempts] = [this.#lockTimeoutMs, this.#attempts];
    return await inBoundedStep(this.#db, { lockTimeoutMs, attempts }, run);
  }
}

// What needs the owner of `events` goes through its functions (migrations/0022, 0026).

async function build(trx: DatabaseExecutor, { label }: EventDay): Promise<void> {
  await sql`SELECT build_event_day(${label}::date)`.execute(trx);
}

async function copy(trx: DatabaseExecutor, { label }: EventDay): Promise<number> {
  const { rows } = await sql<{ copied: number }>`
    SELECT copy_event_day(${label}::date, ${sql.lit(COPIED_AT_ONCE)}) AS copied`.execute(trx);
  return rows[0]?.copied ?? 0;
}

async function move(trx: DatabaseExecutor, { label }: EventDay): Promise<number> {
  const { rows } = await sql<{ moved: bigint }>`
    SELECT move_event_day(${label}::date) AS moved`.execute(trx);
  return Number(rows[0]?.moved);
}
