export interface LiveSize {
  /** Events a second. */
  readonly rate: number;
  readonly seconds: number;
}

export interface DeploySize {
  /** Events a second, the generator on the same machine. */
  readonly rate: number;
  readonly warmUpSeconds: number;
  /** What the deployment is compared with. */
  readonly steadySeconds: number;
  /** How long nobody counts after a kill. */
  readonly windowSeconds: number;
  /** Events go on for so long from the beginning of the deployment, beside that window. */
  readonly deploySeconds: number;
}

export interface GrowthSize {
  /** Rows of the small table; with its measured drains it has some more. */
  readonly smallRows: number;
  /** Rows of the grown one, its measured drains included. */
  readonly rows: number;
  /** Records of a measured drain. */
  readonly part: number;
  /** Records of the filling between: so many are in the topic at once. */
  readonly fill: number;
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
  readonly deploy: DeploySize;
  /** Starts of a process. */
  readonly starts: number;
  readonly letters: number;
  readonly growth: GrowthSize;
}

/** What is published. */
export const FULL: Sizes = {
  events: 2_000_000,
  rounds: 3,
  live: { rate: 50_000, seconds: 300 },
  liveFast: { rate: 100_000, seconds: 120 },
  idleEvents: 200,
  rowByRowSeconds: 30,
  deploy: {
    rate: 25_000,
    warmUpSeconds: 10,
    steadySeconds: 10,
    windowSeconds: 30,
    deploySeconds: 30,
  },
  starts: 5,
  letters: 100_000,
  growth: { smallRows: 1_000_000, rows: 100_000_000, part: 1_000_000, fill: 10_000_000 },
};

/** A look: half the records, each way once, a minute of live traffic at most, deployments at less than half the load, a fifth of the letters, 5 M rows. */
export const QUICK: Sizes = {
  events: 1_000_000,
  rounds: 1,
  live: { rate: 50_000, seconds: 40 },
  liveFast: { rate: 100_000, seconds: 30 },
  idleEvents: 100,
  rowByRowSeconds: 15,
  deploy: {
    rate: 10_000,
    warmUpSeconds: 5,
    steadySeconds: 5,
    windowSeconds: 5,
    deploySeconds: 20,
  },
  starts: 3,
  letters: 20_000,
  growth: { smallRows: 1_000_000, rows: 5_000_000, part: 1_000_000, fill: 10_000_000 },
};
