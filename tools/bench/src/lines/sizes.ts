export interface LiveSize {
  /** Events a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** How much is measured. */
export interface Sizes {
  /** Records of a filled topic. */
  readonly events: number;
  /** Times each way of a comparison is measured. */
  readonly rounds: number;
  readonly live: LiveSize;
  /** The greatest rate that is promised. */
  readonly liveFast: LiveSize;
  /** Events sent one at a time into an idle system. */
  readonly idleEvents: number;
  /** Of each run of, and beside, one row at a time. */
  readonly rowByRowSeconds: number;
  /** Starts of a process. */
  readonly starts: number;
}

/** What is published. */
export const FULL: Sizes = {
  events: 2_000_000,
  rounds: 3,
  live: { rate: 50_000, seconds: 300 },
  liveFast: { rate: 100_000, seconds: 120 },
  idleEvents: 200,
  rowByRowSeconds: 30,
  starts: 5,
};

/** A look: half the records, each way once, a minute of live traffic at most. */
export const QUICK: Sizes = {
  events: 1_000_000,
  rounds: 1,
  live: { rate: 50_000, seconds: 60 },
  liveFast: { rate: 100_000, seconds: 45 },
  idleEvents: 100,
  rowByRowSeconds: 15,
  starts: 3,
};
