import { DEAD_LETTER_STATES, WAITS } from '@adtally/db';
import type { Instruments, MetricDefinition } from '@adtally/telemetry';

/** A gauge that only the leader tells: it has no series anywhere else. */
type SharedGauge = MetricDefinition & { readonly kind: 'gauge'; readonly startsAbsent: true };
type SharedGauges = Readonly<Record<string, SharedGauge>>;

/** Which services live, whoever of them is alive to tell it. */
export const SERVICE_METRICS = {
  serviceHeartbeat: {
    name: 'adtally_service_heartbeat_timestamp_seconds',
    kind: 'gauge',
    help: "Unix time, by PostgreSQL's clock, at which a process of the service was last at work; every service that ever ran against the database has one.",
    labels: { service: 'open' },
    startsAbsent: true,
  },
  serviceProcesses: {
    name: 'adtally_service_processes',
    kind: 'gauge',
    help: 'Processes of the service that said within 20 s that they live, those that stand by too.',
    labels: { service: 'open' },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

export const LETTER_METRICS = {
  letters: {
    name: 'adtally_letters',
    kind: 'gauge',
    help: 'Letters by state.',
    labels: { state: DEAD_LETTER_STATES },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** How fresh the rollups are. */
export const ROLLUP_METRICS = {
  rollupOldestNoteSeconds: {
    name: 'adtally_rollup_oldest_note_seconds',
    kind: 'gauge',
    help: 'Age of the oldest late note that is not applied yet; 0 when none waits.',
    labels: {},
    startsAbsent: true,
  },
  rollupNewestCohortSeconds: {
    name: 'adtally_rollup_newest_cohort_seconds',
    kind: 'gauge',
    help: 'Since the end of the newest cohort in the version readers see, before the first since that version was made; no series where nobody ever kept rollups.',
    labels: {},
    startsAbsent: true,
  },
  rollupWaitingNotes: {
    name: 'adtally_rollup_waiting_notes',
    kind: 'gauge',
    help: 'Late notes that are not applied yet, one a batch.',
    labels: {},
    startsAbsent: true,
  },
  rollupWaitingBases: {
    name: 'adtally_rollup_waiting_bases',
    kind: 'gauge',
    help: 'Bases claimed and not taken, over all versions.',
    labels: {},
    startsAbsent: true,
  },
  rollupFrontierSeconds: {
    name: 'adtally_rollup_frontier_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time up to which impressions are summed up or about to be; 0 = nobody has kept rollups.',
    labels: {},
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** Replays that are not at their ends. */
export const REPLAY_METRICS = {
  replayOffsetsLeft: {
    name: 'adtally_replay_offsets_left',
    kind: 'gauge',
    help: 'Offsets that replays which are not cancelled have still to pass, by what was ordered: running, paused.',
    labels: { state: ['running', 'paused'] },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** Incidents, and what waits in the outbox. */
export const ALERTING_METRICS = {
  incidentsOpen: {
    name: 'adtally_incidents_open',
    kind: 'gauge',
    help: 'Incidents that are open.',
    labels: {},
    startsAbsent: true,
  },
  outboxWaiting: {
    name: 'adtally_outbox_waiting',
    kind: 'gauge',
    help: 'Notifications that wait to be sent, by sink; 0 where none does. A sink that was never told has no series.',
    labels: { sink: 'open' },
    startsAbsent: true,
  },
  outboxOldestSeconds: {
    name: 'adtally_outbox_oldest_waiting_seconds',
    kind: 'gauge',
    help: 'Age of the oldest notification that waits, by sink; 0 where none does.',
    labels: { sink: 'open' },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** What the audit last said. */
export const AUDIT_METRICS = {
  auditFailedChecks: {
    name: 'adtally_audit_failed_checks',
    kind: 'gauge',
    help: 'Checks of the audit that did not hold when they were last asked; recent: by the leader once a minute, of the newest ledger rows; days: by the leader every few minutes, of what was counted since yesterday began, its events too; full: by ops audit or GET /audit. A scope never audited has no series.',
    labels: { scope: ['recent', 'days', 'full'] },
    startsAbsent: true,
  },
  auditTimestampSeconds: {
    name: 'adtally_audit_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time at which the audit of this scope was last run.',
    labels: { scope: ['recent', 'days', 'full'] },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** What operators gave up. */
export const LOSS_METRICS = {
  lostOffsets: {
    name: 'adtally_lost_offsets',
    kind: 'gauge',
    help: 'Offsets that operators accepted as lost, ever, of all topics.',
    labels: {},
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** Partitions of `events`. */
export const DAY_METRICS = {
  eventDaysBlocked: {
    name: 'adtally_event_days_blocked',
    kind: 'gauge',
    help: 'Days that are to have a partition by now and have none: it cannot be made, or nobody makes it.',
    labels: {},
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** Which days of events retention has dropped, and which it has not. */
export const RETENTION_METRICS = {
  retentionHorizon: {
    name: 'adtally_retention_horizon_timestamp_seconds',
    kind: 'gauge',
    help: 'Unix time before which events are expired; 0 = nothing was ever dropped.',
    labels: {},
    startsAbsent: true,
  },
  retentionDaysWaiting: {
    name: 'adtally_retention_days_waiting',
    kind: 'gauge',
    help: 'Days below the horizon that are not dropped yet, by what they waited for when that was last tried; none: it was not tried.',
    labels: { reason: [...WAITS, 'none'] },
    startsAbsent: true,
  },
  retentionOldestWait: {
    name: 'adtally_retention_oldest_wait_seconds',
    kind: 'gauge',
    help: 'Since the day that has waited longest was found below the horizon; 0 when none waits.',
    labels: {},
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** How far every partition of every counted topic is behind, owned by somebody or not. */
export const LAG_METRICS = {
  lagRecords: {
    name: 'adtally_consumer_lag_records',
    kind: 'gauge',
    help: 'Log end minus cursor, of every partition of every counted topic; all of its records where nobody has claimed it yet.',
    labels: { topic: 'open', partition: 'open' },
    startsAbsent: true,
  },
  lagSeconds: {
    name: 'adtally_consumer_lag_seconds',
    kind: 'gauge',
    help: 'Since the oldest record not committed was appended, where that is not known since the cursor moved; 0 when caught up.',
    labels: { topic: 'open', partition: 'open' },
    startsAbsent: true,
  },
  partitionStuck: {
    name: 'adtally_partition_stuck',
    kind: 'gauge',
    help: '1 while the cursor has not moved for 10 s although records wait, or nobody can tell; by the best reason that is known.',
    labels: { topic: 'open', partition: 'open', reason: 'open' },
    startsAbsent: true,
  },
  topicGroups: {
    name: 'adtally_topic_groups',
    kind: 'gauge',
    help: 'Consumer groups whose living members report partitions of the topic; more than one count it against each other.',
    labels: { topic: 'open' },
    startsAbsent: true,
  },
} as const satisfies SharedGauges;

/** The shared set: told from the database for the whole system, by one leader among all services. */
export const SYSTEM_METRICS = {
  ...SERVICE_METRICS,
  ...LETTER_METRICS,
  ...ROLLUP_METRICS,
  ...REPLAY_METRICS,
  ...ALERTING_METRICS,
  ...AUDIT_METRICS,
  ...LOSS_METRICS,
  ...DAY_METRICS,
  ...RETENTION_METRICS,
  ...LAG_METRICS,
} as const satisfies SharedGauges;

export type LagMetrics = Instruments<typeof LAG_METRICS>;
export type SystemMetrics = Instruments<typeof SYSTEM_METRICS>;
