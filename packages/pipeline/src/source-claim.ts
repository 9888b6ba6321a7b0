import type { HeldSource } from '@adtally/db';

/** A source this process has claimed, as a batch's commit needs it: every commit for it carries this epoch. */
export interface SourceClaim extends HeldSource {
  /** The cursor: everything before it is committed. */
  committedOffset: number;
}
