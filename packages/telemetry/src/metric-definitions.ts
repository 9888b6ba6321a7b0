/**
 * Every metric a service exports: the one place for names, and a public contract. docs/metrics.md
 * is generated from it (`vitest run packages/telemetry -u`). Rules: prefix `adtally_`, base units
 * in the name, `_total` on counters, labels of few values only. Renaming or removing one breaks
 * somebody's dashboard: add the new name beside the old for a release.
 */

/** What a label may hold: a closed list (each series starts at 0), or any of few values. */
export type LabelValues = readonly string[] | 'open';

export interface MetricDefinition {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly labels: Readonly<Record<string, LabelValues>>;
  /** Histograms only: upper bounds, in the unit of the name. */
  readonly buckets?: readonly number[];
}

// From a batch that went straight through to a backlog of some minutes.
const LATENCY_SECONDS = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900,
] as const;
const DURATION_SECONDS = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;
const ROWS = [1, 10, 50, 100, 250, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000] as const;
const NOTIFICATION_SINKS = ['webhook', 'alertmanager', 'slack', 'pagerduty'] as const;

export const METRIC_DEFINITIONS = {
  // Traffic and outcomes. After a drain: consumed = the sum of adtally_events_total.
  recordsConsumed: {
    name: 'adtally_records_consumed_total',
    kind: 'counter',
    help: 'Records whose disposition was committed.',
    labels: {},
  },
  events: {
    name: 'adtally_events_total',
    kind: 'counter',
    help: 'Committed records by what became of them.',
    labels: { outcome: ['stored', 'duplicate', 'conflict', 'dead_lettered'] },
  },
  deadLetters: {
    name: 'adtally_dead_letters_total',
    kind: 'counter',
    help: 'Dead-lettered records by rejection code.',
    labels: { code: 'open' },
  },
  misrouted: {
    name: 'adtally_misrouted_records_total',
    kind: 'counter',
    help: 'Records whose key is not their impression id, or that lie in another partition than murmur2 gives; stored all the same.',
    labels: {},
  },
  unknownFields: {
    name: 'adtally_unknown_fields_total',
    kind: 'counter',
    help: 'Fields ignored because the contract does not know them.',
    labels: {},
  },

  // Batches and latency.
  batchRows: {
    name: 'adtally_batch_rows',
    kind: 'histogram',
    help: 'Records in a committed batch.',
    labels: {},
    buckets: ROWS,
  },
  batchWriteSeconds: {
    name: 'adtally_batch_write_duration_seconds',
    kind: 'histogram',
    help: 'From BEGIN to the answer to COMMIT, of batches that committed.',
    labels: {},
    buckets: DURATION_SECONDS,
  },
  commitLatencySeconds: {
    name: 'adtally_append_to_commit_seconds',
    kind: 'histogram',
    help: "From the broker's append time of a batch's oldest record to its commit.",
    labels: {},
    buckets: LATENCY_SECONDS,
  },
  lastCommitTimestampSeconds: {
    name: 'adtally_last_commit_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time of the last committed batch; 0 before the first.',
    labels: {},
  },

  // The commit protocol at work.
  fenced: {
    name: 'adtally_fenced_total',
    kind: 'counter',
    help: 'Partitions found claimed by somebody else at commit; nothing of theirs was written.',
    labels: {},
  },
  ambiguousCommits: {
    name: 'adtally_ambiguous_commits_total',
    kind: 'counter',
    help: 'Commits whose answer was lost, by partition and by what the cursor then said.',
    labels: { resolution: ['committed', 'retried', 'fenced'] },
  },
  databaseErrors: {
    name: 'adtally_database_errors_total',
    kind: 'counter',
    help: 'Failed transactions by how they are treated.',
    labels: { class: ['outcome_unknown', 'transient', 'data', 'fatal'] },
  },
  copyFallbacks: {
    name: 'adtally_copy_fallbacks_total',
    kind: 'counter',
    help: 'Batches whose COPY met a key that was stored already, written again the verified way.',
    labels: {},
  },

  // Dead letters, by the dlq-reprocessor.
  lettersCopied: {
    name: 'adtally_letters_copied_total',
    kind: 'counter',
    help: 'Records taken from the DLQ topic: new letters, and further copies of one.',
    labels: { outcome: ['letter', 'copy'] },
  },
  retries: {
    name: 'adtally_retries_total',
    kind: 'counter',
    help: 'Ended tries of dead letters by outcome; a letter that failed is due again or given up.',
    labels: { outcome: ['stored', 'duplicate', 'conflict', 'failed'] },
  },
  lettersDead: {
    name: 'adtally_letters_dead_total',
    kind: 'counter',
    help: 'Letters given up to the dead topic, by the code they failed with last.',
    labels: { code: 'open' },
  },
  letters: {
    name: 'adtally_letters',
    kind: 'gauge',
    help: 'Letters by state, as counted by the process that holds lane 0.',
    labels: { state: 'open' },
  },
  dlqArrivalsPerMinute: {
    name: 'adtally_dlq_arrivals_per_minute',
    kind: 'gauge',
    help: 'Records that reached the DLQ topic in the last minute, by the process that holds lane 0.',
    labels: {},
  },

  // Redis: only routes, so these cost speed and never a count.
  routedEvents: {
    name: 'adtally_routed_events_total',
    kind: 'counter',
    help: 'Valid events by the write path they were routed to.',
    labels: { route: ['fast', 'verified'] },
  },
  redisFailures: {
    name: 'adtally_redis_failures_total',
    kind: 'counter',
    help: 'Batches for which Redis gave no answer, or marks it did not take.',
    labels: { operation: ['route', 'mark'], kind: ['error', 'timeout', 'skipped'] },
  },

  // Partitions and lag.
  ownedPartitions: {
    name: 'adtally_owned_partitions',
    kind: 'gauge',
    help: 'Partitions this process has claimed.',
    labels: {},
  },
  partitionHalted: {
    name: 'adtally_partition_halted',
    kind: 'gauge',
    help: '1 while a partition waits for an operator; the series goes away when it moves on.',
    labels: { partition: 'open', reason: 'open' },
  },
  breakerOpen: {
    name: 'adtally_breaker_open',
    kind: 'gauge',
    help: '1 while the rejection breaker of an owned partition slows it, else 0.',
    labels: { partition: 'open' },
  },
  breakerOpenings: {
    name: 'adtally_breaker_openings_total',
    kind: 'counter',
    help: 'Rejection breakers opened: by the share of rejected records, or forced by an operator.',
    labels: { cause: ['share', 'forced'] },
  },
  lagRecords: {
    name: 'adtally_consumer_lag_records',
    kind: 'gauge',
    help: 'Records after the committed cursor, of owned partitions only.',
    labels: { partition: 'open' },
  },
  lagSeconds: {
    name: 'adtally_consumer_lag_seconds',
    kind: 'gauge',
    help: 'Age of the oldest record not committed yet, over the owned partitions; 0 when caught up.',
    labels: {},
  },
  handoverSeconds: {
    name: 'adtally_handover_seconds',
    kind: 'histogram',
    help: 'From the assignment of partitions to the first commit on them.',
    labels: {},
    buckets: LATENCY_SECONDS,
  },

  // The dead-queue-alerter. All but the first are told by the active instance only.
  alerterActive: {
    name: 'adtally_alerter_active',
    kind: 'gauge',
    help: '1 on the instance that reads the dead topic and sends, 0 on those that stand by.',
    labels: {},
  },
  alerterHeartbeatTimestampSeconds: {
    name: 'adtally_alerter_heartbeat_timestamp_seconds',
    kind: 'gauge',
    help: "Unix time, by PostgreSQL's clock, at which the dead topic was last looked at; 0 on an instance that stands by.",
    labels: {},
  },
  deadArrivals: {
    name: 'adtally_dead_arrivals_total',
    kind: 'counter',
    help: 'Records read from the dead topic: letters, and copies of letters that had come already.',
    labels: { kind: ['letter', 'copy'] },
  },
  incidentsOpen: {
    name: 'adtally_incidents_open',
    kind: 'gauge',
    help: 'Incidents that are open.',
    labels: {},
  },
  notifications: {
    name: 'adtally_notifications_total',
    kind: 'counter',
    help: 'Attempts to tell people, by what became of them; failed is given up for good.',
    labels: { sink: NOTIFICATION_SINKS, outcome: ['sent', 'retried', 'failed'] },
  },
  outboxWaiting: {
    name: 'adtally_outbox_waiting',
    kind: 'gauge',
    help: 'Notifications that wait to be sent.',
    labels: { sink: NOTIFICATION_SINKS },
  },
  outboxOldestSeconds: {
    name: 'adtally_outbox_oldest_waiting_seconds',
    kind: 'gauge',
    help: 'Age of the oldest notification that waits; 0 where none does.',
    labels: { sink: NOTIFICATION_SINKS },
  },

  // Rollups: how fresh, and what keeping them costs.
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

  // The process.
  drainState: {
    name: 'adtally_drain_state',
    kind: 'gauge',
    help: '0 running, 1 draining, 2 drained.',
    labels: {},
  },
  buildInfo: {
    name: 'adtally_build_info',
    kind: 'gauge',
    help: 'Always 1; the labels name the build.',
    labels: { version: 'open', node: 'open' },
  },
  processCpuSeconds: {
    name: 'process_cpu_seconds_total',
    kind: 'counter',
    help: 'CPU time of the process, user and system.',
    labels: {},
  },
  processResidentMemoryBytes: {
    name: 'process_resident_memory_bytes',
    kind: 'gauge',
    help: 'Resident memory of the process.',
    labels: {},
  },
  eventLoopDelaySeconds: {
    name: 'adtally_event_loop_delay_p99_seconds',
    kind: 'gauge',
    help: 'How late timers fired since the last scrape, 99th percentile.',
    labels: {},
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricDefinitions = typeof METRIC_DEFINITIONS;
