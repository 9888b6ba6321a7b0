/**
 * Keys of the advisory locks, all in one class. A number here is never used for another purpose again.
 */
export const ADVISORY_LOCK_CLASS = 4701;

export const ADVISORY_LOCKS = {
  /** Commits take it shared; whoever moves the horizon or the rollups' frontier, exclusively. */
  guard: 1,
  /** One migration run at a time. */
  migrate: 2,
  /** One maker of day partitions at a time. */
  partitions: 3,
  /** One registration of a topic's sources at a time, and no change of a topic's rules beside it. */
  sources: 4,
  // 5 is the active dead-queue-alerter's, taken by take_alerter_lease (migrations/0006).
  /** One operator at a time on dead letters; admit_redrives makes way (migrations/0007). */
  letters: 6,
  /** The process that tells the shared metrics (packages/system-metrics). */
  systemMetrics: 7,
  /** The process that tells the lag of every partition (packages/system-metrics). */
  lag: 8,
  /** Held by that process for as long as no broker answers it. */
  lagUnseen: 9,
  /** Then held by another one that a broker does answer: the lead is to be its own. */
  lagSeen: 10,
  /** The process that drops days, folds the ledger and does what else is retention's. */
  retention: 11,
  // 12 is the folding of the ledger's, taken by fold_ledger (migrations/0033).
  /** Who lets ids without a time leave takes it, who sums them up takes it shared (packages/analytics). */
  timeless: 13,
  // 14 is that of whoever changes the rollups' sums by day, taken by add_to_rollup_days (migrations/0030).
} as const;
