import { DatabaseError } from 'pg';
import { inBoundedStep } from '../bounded-step.ts';
import type { Database } from '../database.ts';
import { type EventDay, eventDay } from '../event-days.ts';
import { readWriteGuards } from '../write-guards.ts';
import type { DayArchive } from './day-archive.ts';
import { LeadLost, leadingRetention, type StillLeads } from './leading.ts';
import {
  countRetiredDay,
  dropRetiredDay,
  findRetiredDays,
  isArchiveExpected,
  noteArchived,
  noteWait,
  raiseHorizon,
  recountRetiredDay,
  retiredCounts,
  rollupsNeedBefore,
  type Wait,
  waitingDays,
  watchRetiredDay,
} from './retired-days.ts';

export interface DropDaysOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Whole days before today of which events are kept. */
  readonly retentionDays: number;
  /** Where days go before they are dropped; null = nowhere. */
  readonly archive: DayArchive | null;
  /** Without an archive days wait where those before went to one, or wait for one; true: they do not any more. */
  readonly givesUpArchive?: boolean;
  /** Rollups are kept beside: nothing is dropped before they have begun. */
  readonly keepsRollups: boolean;
  /** Ends it between two steps; the next turn goes on. */
  readonly signal: AbortSignal;
  /** Told of each day that is gone, and of each wait that is new. */
  readonly onDropped?: (dropped: DroppedDay) => void;
  readonly onWait?: (day: EventDay, wait: Wait) => void;
  /** How long one statement may queue for a lock, with writers queueing behind it. */
  readonly lockTimeoutMs?: number;
  /** Tries a step gets before the day is left for the next turn. */
  readonly attempts?: number;
}

export interface DroppedDay {
  readonly day: EventDay;
  readonly rows: bigint;
}

export interface DropDaysResult {
  /** False where another process was at it: nothing was done. */
  readonly led: boolean;
  readonly horizonMs: number;
  readonly dropped: readonly DroppedDay[];
  /** Days that are to be dropped and could not be, each with the reason. */
  readonly waiting: readonly { readonly day: EventDay; readonly wait: Wait }[];
}

const DAY_MS = 86_400_000;
const DEFAULT_LOCK_TIMEOUT_MS = 200;
const DEFAULT_ATTEMPTS = 20;

const CAME_LATER = 'ADT07';
const ROLLUPS_NEED = 'ADT08';

/** The first moment that is kept: the beginning of a UTC day. */
export function horizonFor(nowMs: number, retentionDays: number): number {
  return eventDay(Math.max(nowMs - retentionDays * DAY_MS, 0)).startMs;
}

/**
 * One turn of retention: raises the horizon, then drops every day below it (docs/adr/0037). One process at a time, others
 * return at once. Every step is a transaction of its own; killed at any of them, the next turn goes on from there.
 *
 * A day is counted, waits until the rollups have all of it, goes to the archive, and is dropped. One that cannot be
 * dropped says why, in `retired_days` too, and does not hold up others.
 *
 * @param db opened with `statementTimeoutMs: 0`, since a day is read as a whole; two connections at least
 */
export async function dropDays(db: Database, options: DropDaysOptions): Promise<DropDaysResult> {
  const done = await leadingRetention(db, (stillLeads) =>
    new Retention(db, options, stillLeads).turn(),
  );
  if (done !== null) return done;
  const { horizonMs } = await readWriteGuards(db);
  return { led: false, horizonMs, dropped: [], waiting: [] };
}

class Retention {
  readonly #db: Database;
  readonly #options: DropDaysOptions;
  readonly #stillLeads: StillLeads;

  constructor(db: Database, options: DropDaysOptions, stillLeads: StillLeads) {
    this.#db = db;
    this.#options = options;
    this.#stillLeads = stillLeads;
  }

  async turn(): Promise<DropDaysResult> {
    const { nowMs, retentionDays, signal } = this.#options;
    const wanted = horizonFor(nowMs, retentionDays);
    let { horizonMs } = await readWriteGuards(this.#db);
    if (wanted > horizonMs) {
      await this.#step(async (trx) => void (horizonMs = await raiseHorizon(trx, wanted)));
    }
    // Whether or not it moved: who raised it may have died before it looked.
    if (horizonMs > 0) await this.#step(async (trx) => void (await findRetiredDays(trx)));
    const dropped: DroppedDay[] = [];
    const waiting: { day: EventDay; wait: Wait }[] = [];
    for (const { day, isCounted, isArchived, wait: before } of await waitingDays(this.#db)) {
      if (signal.aborted) break;
      await this.#stillLeads();
      const outcome = await this.#retire(day, { isCounted, isArchived });
      if (typeof outcome === 'bigint') {
        dropped.push({ day, rows: outcome });
        this.#options.onDropped?.({ day, rows: outcome });
        continue;
      }
      if (signal.aborted) break;
      waiting.push({ day, wait: outcome });
      if (before?.for !== outcome.for) this.#options.onWait?.(day, outcome);
      await noteWait(this.#db, day, outcome);
    }
    return { led: true, horizonMs, dropped, waiting };
  }

  /** How many rows left, or why the day waits. Only what ends the connection, or is no server's word, is thrown. */
  async #retire(
    day: EventDay,
    done: { readonly isCounted: boolean; readonly isArchived: boolean },
  ): Promise<bigint | Wait> {
    try {
      if (!done.isCounted) {
        if (!(await this.#step((trx) => watchRetiredDay(trx, day)))) return LOCKS;
        await countRetiredDay(this.#db, day);
      }
      const wait =
        (await this.#rollupsWait(day)) ?? (done.isArchived ? null : await this.#archive(day));
      if (wait !== null) return wait;
      let rows = 0n;
      const isDropped = await this.#step(
        async (trx) => void (rows = await dropRetiredDay(trx, day)),
      );
      return isDropped ? rows : LOCKS;
    } catch (error) {
      // Else the connection ended, or it is no word of the server: the next turn goes on.
      if (!(error instanceof DatabaseError)) throw error;
      const { code: state, message: detail } = error;
      if (state === ROLLUPS_NEED) return { for: 'rollups', detail };
      if (state === CAME_LATER) await recountRetiredDay(this.#db, day);
      return { for: 'failure', detail };
    }
  }

  async #rollupsWait(day: EventDay): Promise<Wait | null> {
    const { frontierMs } = await readWriteGuards(this.#db);
    if (frontierMs === 0 && this.#options.keepsRollups) {
      return { for: 'rollups', detail: 'the rollups have not begun' };
    }
    return (await rollupsNeedBefore(this.#db, day.endMs))[0] ?? null;
  }

  async #archive(day: EventDay): Promise<Wait | null> {
    const { archive, givesUpArchive = false, signal } = this.#options;
    if (archive === null) {
      return !givesUpArchive && (await isArchiveExpected(this.#db)) ? NO_ARCHIVE : null;
    }
    try {
      const counts = await retiredCounts(this.#db, day);
      await archive.keep({ day, counts }, signal, this.#stillLeads);
    } catch (error) {
      if (error instanceof LeadLost) throw error;
      return { for: 'archive', detail: error instanceof Error ? error.message : String(error) };
    }
    await noteArchived(this.#db, day);
    return null;
  }

  async #step(run: Parameters<typeof inBoundedStep>[2]): Promise<boolean> {
    const { lockTimeoutMs = DEFAULT_LOCK_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS } = this.#options;
    return await inBoundedStep(this.#db, { lockTimeoutMs, attempts }, run);
  }
}

const NO_ARCHIVE: Wait = {
  for: 'archive',
  detail:
    'days before went to an archive, or wait for one, and this process has none: set ARCHIVE_URL, or give it up by drop-days --without-archive',
};

const LOCKS: Wait = {
  for: 'locks',
  detail: 'its locks could not be had in time: a long transaction reads or writes the events',
};
