import type { SourceCounts } from '@adtally/db';
import { Backoff } from '@adtally/pacing';
import type { BatchWork } from './batch-work.ts';

/** The state of one batch's way through the committer. */
export interface Attempt {
  readonly work: BatchWork;
  readonly fenced: number[];
  readonly backoff: Backoff;
  readonly startedMs: number;
  /** No prediction is trusted any more. */
  verifyAll: boolean;
  /** Transient refusals raised by the statement that writes events. */
  rowRefusals: number;
  /** Refusals for which no row could be blamed. */
  unexplained: number;
}

const RETRY_FIRST_MS = 20;
const RETRY_LAST_MS = 5_000;

/** Of a batch that was never written. */
export function firstAttempt(work: BatchWork): Attempt {
  return {
    work,
    fenced: [],
    backoff: new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS),
    startedMs: performance.now(),
    verifyAll: false,
    rowRefusals: 0,
    unexplained: 0,
  };
}

/** What became of a batch. */
export interface CommitOutcome {
  readonly counts: readonly SourceCounts[];
  /** Sources found claimed by somebody else: nothing of theirs was written. */
  readonly fenced: readonly number[];
}
