/** How much is measured. */
export interface Sizes {
  /** Records of a filled topic. */
  readonly events: number;
  /** Times each way of a comparison is measured. */
  readonly rounds: number;
}

/** What is published. */
export const FULL: Sizes = { events: 2_000_000, rounds: 3 };

/** A look: half the records, one round. */
export const QUICK: Sizes = { events: 1_000_000, rounds: 1 };
