import type { SourceCounts, Trust, WrittenRows } from '@adtally/db';
import { ROUTE } from '@adtally/event-schema';
import { Backoff } from '@adtally/pacing';
import type { BatchWork } from './batch-work.ts';

/** The state of one batch's way through the committer. */
export interface Attempt {
  readonly work: BatchWork;
  readonly fenced: number[];
  readonly backoff: Backoff;
  readonly startedMs: number;
  /** Which rows the next try takes for new. */
  trust: Trust;
  /** What became of the rows of the last try that came so far. */
  written: WrittenRows | null;
  /** Transient refusals raised by the statement that writes events. */
  rowRefusals: number;
  /** Refusals for which no row could be blamed. */
  unexplained: number;
}

const DEADLOCK = '40P01';
const RETRY_FIRST_MS = 20;
const RETRY_LAST_MS = 5_000;

/** Of a batch that was never written. */
export function firstAttempt(work: BatchWork, trust: Trust): Attempt {
  return {
    work,
    fenced: [],
    backoff: new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS),
    startedMs: performance.now(),
    trust,
    written: null,
    rowRefusals: 0,
    unexplained: 0,
  };
}

/** Some row was not new: where there were guesses, one of them, as far as is known. */
export function distrust(attempt: Attempt): void {
  const { batch } = attempt.work;
  const isGuessed = batch.route.subarray(0, batch.count).includes(ROUTE.unasked);
  attempt.trust = attempt.trust === 'guesses' && isGuessed ? 'answers' : 'nothing';
}

/** The statement that writes events was not taken for now. */
export function noteRefusal(attempt: Attempt, sqlState: string): void {
  attempt.rowRefusals += 1;
  // Two writers took the locks of the same keys in two orders, which only COPY does.
  if (sqlState === DEADLOCK) attempt.trust = 'nothing';
}

/** What became of a batch. */
export interface CommitOutcome {
  readonly counts: readonly SourceCounts[];
  /** Sources found claimed by somebody else: nothing of theirs was written. */
  readonly fenced: readonly number[];
}
