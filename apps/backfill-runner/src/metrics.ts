import { DURATION_SECONDS, type Instruments, type MetricDefinitions } from '@adtally/telemetry';

const ROLLUP_METRICS = {
  rollupBaseEvents: {
    name: 'adtally_rollup_base_events_total',
    kind: 'counter',
    help: 'Events summed up in bases by this process.',
    labels: {},
  },
  rollupLateImpressions: {
    name: 'adtally_rollup_late_impressions_total',
    kind: 'counter',
    help: 'Late impressions applied by difference by this process.',
    labels: {},
  },
  rollupSpoiledBases: {
    name: 'adtally_rollup_spoiled_bases_total',
    kind: 'counter',
    help: 'Bases to be taken again because a note came out of order; more than 0 is a bug in a writer.',
    labels: {},
  },
  rollupFoldedBases: {
    name: 'adtally_rollup_folded_bases_total',
    kind: 'counter',
    help: 'Bases older than the late window that this process folded.',
    labels: {},
  },
  rollupFoldedRows: {
    name: 'adtally_rollup_folded_rows_total',
    kind: 'counter',
    help: 'Rows of the rollups that became part of another one by folding, by this process.',
    labels: {},
  },
  rollupUnfoldedBases: {
    name: 'adtally_rollup_unfolded_bases',
    kind: 'gauge',
    help: 'Bases older than the late window that are not folded: they wait for late notes or a backfill, or their turn.',
    labels: {},
    startsAbsent: true,
  },
  rollupTurnSeconds: {
    name: 'adtally_rollup_turn_duration_seconds',
    kind: 'histogram',
    help: "One turn of the rollups' worker.",
    labels: {},
    buckets: DURATION_SECONDS,
  },
} as const satisfies MetricDefinitions;

const RETENTION_METRICS = {
  retentionDaysDropped: {
    name: 'adtally_retention_days_dropped_total',
    kind: 'counter',
    help: 'Days of events dropped by this process.',
    labels: {},
  },
  retentionRowsPurged: {
    name: 'adtally_retention_rows_purged_total',
    kind: 'counter',
    help: 'Events that left with those days.',
    labels: {},
  },
  timelessRowsPurged: {
    name: 'adtally_retention_timeless_rows_purged_total',
    kind: 'counter',
    help: 'Events that left by TIMELESS_RETENTION_DAYS, deleted by this process.',
    labels: {},
  },
  ledgerRowsFolded: {
    name: 'adtally_ledger_rows_folded_total',
    kind: 'counter',
    help: 'Ledger rows of more than a week ago that this process folded into others, one a source and hour.',
    labels: {},
  },
} as const satisfies MetricDefinitions;

/** All that `--watch` measures: what its work costs. How fresh the rollups are, and which days wait, the leader tells. */
export const METRICS = { ...ROLLUP_METRICS, ...RETENTION_METRICS } as const;

export type KeeperMetrics = Instruments<typeof ROLLUP_METRICS>;
export type RetentionMetrics = Instruments<typeof RETENTION_METRICS>;
