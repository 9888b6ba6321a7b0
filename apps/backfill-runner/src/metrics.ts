import { DURATION_SECONDS, type Instruments, type MetricDefinitions } from '@adtally/telemetry';

/** All that `--watch` measures: what keeping the rollups costs. How fresh they are the leader tells. */
export const METRICS = {
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

export type KeeperMetrics = Instruments<typeof METRICS>;
