import type { SourceClaim } from './source-claim.ts';
import type { WaitReason } from './wait-reason.ts';

/** Where a source stands in the database. */
export interface Cursor {
  /** Everything before it is committed. */
  readonly nextOffset: number;
  /** Of the claim that may write now. */
  readonly epoch: number;
}

/** What says that the database itself went back. */
export const GONE_BACK = ['database_behind', 'source_missing'] as const;

/** Why a claim that this process remembers is none any more. */
export interface ClaimLoss extends WaitReason {
  readonly code: (typeof GONE_BACK)[number] | 'claimed_elsewhere';
  /** Offsets that were acknowledged and that the database does not know (any more). */
  readonly offsetsBehind: number;
}

/** What is remembered of a claim at some moment. */
export type RememberedClaim = Pick<SourceClaim, 'sourceId' | 'epoch' | 'committedOffset'>;

/**
 * Compares what we remember of a claim with the database's cursor, read *after* that moment; null where they
 * agree. A commit of ours under way may have moved the cursor on, so one that is ahead agrees. One that is
 * behind was put back, whatever its epoch says: no cursor ever goes back by itself.
 */
export function compareClaim(claim: RememberedClaim, cursor: Cursor | undefined): ClaimLoss | null {
  const { sourceId, epoch, committedOffset } = claim;
  if (cursor === undefined) {
    return {
      code: 'source_missing',
      detail: `the database does not know source ${sourceId}, of which ${committedOffset} was committed`,
      offsetsBehind: 0,
    };
  }
  const offsetsBehind = Math.max(0, committedOffset - cursor.nextOffset);
  if (offsetsBehind > 0 || cursor.epoch < epoch) {
    return {
      code: 'database_behind',
      detail:
        `source ${sourceId} stands at ${cursor.nextOffset} under epoch ${cursor.epoch}, ` +
        `${committedOffset} was committed under epoch ${epoch}`,
      offsetsBehind,
    };
  }
  if (cursor.epoch > epoch) {
    return {
      code: 'claimed_elsewhere',
      detail: `source ${sourceId} was claimed under epoch ${cursor.epoch}, ours was ${epoch}`,
      offsetsBehind: 0,
    };
  }
  return null;
}
