import { DURATION_SECONDS, type Instruments, type MetricDefinitions } from '@adtally/telemetry';

/** All that `--watch` measures: how fresh the rollups are, and what keeping them costs. */
export const METRICS = {
  rollupOldestNoteSeconds: {
    name: 'adtally_rollup_oldest_note_seconds',
    kind: 'gauge',
    help: 'Age of the oldest late note that is not applied yet; 0 when none waits.',
    labels: {},
  },
  rollupNewestCohortSeconds: {
    name: 'adtally_rollup_newest_cohort_seconds',
    kind: 'gauge',
    help: 'Since the end of the newest cohort in the version readers see; 0 before the first.',
    labels: {},
  },
  rollupWaitingNotes: {
    name: 'adtally_rollup_waiting_notes',
    kind: 'gauge',
    help: 'Late notes that are not applied yet, one a batch.',
    labels: {},
  },
  rollupWaitingBases: {
    name: 'adtally_rollup_waiting_bases',
    kind: 'gauge',
    help: 'Bases claimed and not taken, over all versions.',
    labels: {},
  },
  rollupFrontierSeconds: {
    name: 'adtally_rollup_frontier_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time up to which impressions are summed up or about to be; 0 = nobody has kept rollups.',
    labels: {},
  },
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
  rollupTurnSeconds: {
    name: 'adtally_rollup_turn_duration_seconds',
    kind: 'histogram',
    help: "One turn of the rollups' worker.",
    labels: {},
    buckets: DURATION_SECONDS,
  },
} as const satisfies MetricDefinitions;

export type KeeperMetrics = Instruments<typeof METRICS>;
