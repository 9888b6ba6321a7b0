import { setTimeout as sleep } from 'node:timers/promises';
import {
  beginTimelessPass,
  type Database,
  inBoundedStep,
  leadingRetention,
  newestTimelessPass,
  noteTimelessPosition,
  readTimelessPage,
  readWriteGuards,
  type TimelessPass,
  type Wait,
} from '@adtally/db';
import { leaveTogether } from './leave-together.ts';

export interface PurgeTimelessOptions {
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  /** Days after its last event was committed for which an impression without a time is kept. */
  readonly retentionDays: number;
  /** From one pass over all events to the next. */
  readonly passEveryMs: number;
  /** Begins nothing new after so long; the next turn goes on. */
  readonly budgetMs: number;
  /** Rollups are kept beside: nothing leaves before they have begun. */
  readonly keepsRollups: boolean;
  /** Ends it between two steps; the next turn goes on. */
  readonly signal: AbortSignal;
  /** How long one statement may queue for a lock. */
  readonly lockTimeoutMs?: number;
  /** Rows of the events gone through in one transaction, and impressions that leave in one. */
  readonly pageRows?: number;
  readonly impressionsAtOnce?: number;
}

export interface PurgeTimelessResult {
  /** False where another process was at what is retention's: nothing was done. */
  readonly led: boolean;
  /** That left in this turn. */
  readonly rows: bigint;
  /** True: all events were gone through, and none is left to leave just now. */
  readonly isThrough: boolean;
  readonly wait: Wait | null;
}

const DAY_MS = 86_400_000;
const LOCK_TIMEOUT_MS = 200;
const ATTEMPTS = 20;
const PAGE_ROWS = 20_000;
const IMPRESSIONS_AT_ONCE = 500;
const NOTHING: PurgeTimelessResult = { led: true, rows: 0n, isThrough: true, wait: null };

/** What was committed before it may leave, in milliseconds since 1970. */
export function timelessLimitMs(nowMs: number, retentionDays: number): number {
  return Math.max(nowMs - retentionDays * DAY_MS, 0);
}

/**
 * One turn of letting events of ids without a time leave (docs/adr/0042): begins to go through all events where the last
 * pass was long ago, or goes on with the one that is under way. Every step is a transaction of its own; killed at any of
 * them, the next turn goes on from there. Others that do what is retention's make it do nothing.
 *
 * @param db opened with `statementTimeoutMs: 0`; two connections at least
 */
export async function purgeTimelessEvents(
  db: Database,
  options: PurgeTimelessOptions,
): Promise<PurgeTimelessResult> {
  const done = await leadingRetention(db, () => turn(db, options));
  return done ?? { led: false, rows: 0n, isThrough: false, wait: null };
}

async function turn(db: Database, options: PurgeTimelessOptions): Promise<PurgeTimelessResult> {
  const { nowMs, retentionDays, passEveryMs, keepsRollups } = options;
  const { frontierMs } = await readWriteGuards(db);
  if (keepsRollups && frontierMs === 0) {
    return { ...NOTHING, isThrough: false, wait: NOT_BEGUN };
  }
  const limitMs = timelessLimitMs(nowMs, retentionDays);
  let pass = await newestTimelessPass(db);
  if (pass === null || pass.endedAt !== null) {
    if (pass !== null && limitMs <= pass.committedBefore.getTime() + passEveryMs) return NOTHING;
    await beginTimelessPass(db, limitMs);
    pass = await newestTimelessPass(db);
    if (pass === null) throw new Error('a pass that was begun is not there');
  } else if (limitMs < pass.committedBefore.getTime()) {
    // More is to be kept since it began: what it may take is not to leave any more.
    await noteTimelessPosition(db, pass.passId, null);
    return NOTHING;
  }
  return await goThrough(db, pass, options);
}

async function goThrough(
  db: Database,
  pass: TimelessPass,
  { budgetMs, signal, lockTimeoutMs = LOCK_TIMEOUT_MS, ...sizes }: PurgeTimelessOptions,
): Promise<PurgeTimelessResult> {
  const { pageRows = PAGE_ROWS, impressionsAtOnce = IMPRESSIONS_AT_ONCE } = sizes;
  const endMs = performance.now() + budgetMs;
  let rows = 0n;
  let after = pass.lookedAtThrough;
  const unfinished = (wait: Wait | null) => ({ led: true, rows, isThrough: false, wait });
  while (!signal.aborted && performance.now() < endMs) {
    const { through, impressionIds } = await readTimelessPage(db, pass, { after, rows: pageRows });
    for (let at = 0; at < impressionIds.length; at += impressionsAtOnce) {
      if (signal.aborted) return unfinished(null);
      const ids = impressionIds.slice(at, at + impressionsAtOnce);
      const startedMs = performance.now();
      let left: bigint | Wait = 0n;
      const isDone = await inBoundedStep(
        db,
        { lockTimeoutMs, attempts: ATTEMPTS },
        async (trx) => void (left = await leaveTogether(trx, pass, ids)),
      );
      if (!isDone) return unfinished(LOCKS);
      if (typeof left !== 'bigint') return unfinished(left);
      rows += left;
      // As long as it took: the disk is there for others, too.
      await sleep(performance.now() - startedMs, undefined, { signal }).catch(() => undefined);
    }
    await noteTimelessPosition(db, pass.passId, through);
    if (through === null) return { led: true, rows, isThrough: true, wait: null };
    after = through;
  }
  return unfinished(null);
}

const NOT_BEGUN: Wait = { for: 'rollups', detail: 'the rollups have not begun' };

const LOCKS: Wait = {
  for: 'locks',
  detail: 'days are made, old ledger rows are folded or a base is taken: it goes on later',
};
