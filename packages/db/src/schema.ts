import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/** The tables as Kysely sees them. `int8` reads as bigint (database.ts), `timestamptz` as Date. */
export interface Schema {
  schema_versions: SchemaVersionsTable;
  sources: SourcesTable;
  ledger: LedgerTable;
  cursors: CursorsTable;
  operator_actions: OperatorActionsTable;
  events: EventsTable;
  conflicts: ConflictsTable;
  dead_letter_refs: DeadLetterRefsTable;
  dead_letters: DeadLettersTable;
  dead_letter_records: DeadLetterRecordsTable;
  dead_letter_attempts: DeadLetterAttemptsTable;
  redrive_jobs: RedriveJobsTable;
  redrive_receipts: RedriveReceiptsTable;
  write_guards: WriteGuardsTable;
  notification_requests: NotificationRequestsTable;
  alerter_lease: AlerterLeaseTable;
  dead_topic_positions: DeadTopicPositionsTable;
  dead_letter_arrivals: DeadLetterArrivalsTable;
  incidents: IncidentsTable;
  notifications: NotificationsTable;
  late_notes: LateNotesTable;
  rollup_versions: RollupVersionsTable;
  rollup_bases: RollupBasesTable;
  rollup_progress: RollupProgressTable;
  rollup_by_campaign: RollupByCampaignTable;
  rollup_by_creative: RollupByCampaignTable & { creative_id: string };
  rollup_by_placement: RollupByCampaignTable & { placement_id: string };
  rollup_promotion: RollupPromotionTable;
  backfill_runs: BackfillRunsTable;
}

interface SchemaVersionsTable {
  version: number;
  oldest_build: number;
}

export const SOURCE_KINDS = ['events', 'dlq', 'redrive', 'replay'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

type EventTypeColumn = 'impression' | 'click' | 'conversion';
/** Written by the server's clock. */
type ServerTime = ColumnType<Date, never, never>;

export interface SourcesTable {
  source_id: GeneratedAlways<number>;
  kind: SourceKind;
  topic: string;
  topic_id: string;
  partition: number;
  run: Generated<string>;
  created_at: ServerTime;
  closed_at: Date | null;
}

export interface LedgerTable {
  source_id: number;
  first_offset: bigint | null;
  end_offset: bigint;
  epoch: bigint;
  consumed: Generated<bigint>;
  stored: Generated<bigint>;
  duplicate: Generated<bigint>;
  conflict: Generated<bigint>;
  dead_lettered: Generated<bigint>;
  gap: Generated<bigint>;
  lost: Generated<bigint>;
  stored_fingerprint: Generated<bigint>;
  purged: Generated<bigint>;
  purged_fingerprint: Generated<bigint>;
  committed_at: ServerTime;
}

export interface CursorsTable {
  source_id: number;
  next_offset: bigint;
  epoch: Generated<bigint>;
  owner: string | null;
  backend_pid: number | null;
  backend_start: Date | null;
  claimed_at: Date | null;
  known_end_offset: bigint | null;
  halted_code: string | null;
  halted_detail: string | null;
  halted_resume_at: bigint | null;
  halted_at: Date | null;
}

export interface OperatorActionsTable {
  action_id: GeneratedAlways<bigint>;
  acted_at: ServerTime;
  actor: string;
  action: string;
  source_id: number | null;
  reason: string;
  detail: ColumnType<unknown, string | undefined, never>;
}

export interface EventsTable {
  occurred_at: Date;
  amount_micros: bigint;
  source_offset: bigint;
  source_id: number;
  event_type: EventTypeColumn;
  impression_id: string;
  event_key: string;
  click_id: string | null;
  currency: string;
  campaign_id: string;
  creative_id: string;
  placement_id: string;
  conversion_id: string | null;
}

export interface ConflictsTable {
  source_id: number;
  source_offset: bigint;
  impression_id: string;
  event_key: string;
  record_key: Uint8Array | null;
  record_value: Uint8Array;
  record_headers: Uint8Array;
  recorded_at: ServerTime;
}

export interface DeadLetterRefsTable {
  source_id: number;
  source_offset: bigint;
  code: string;
  record_sha256: Uint8Array;
  recorded_at: ServerTime;
  append_ms: bigint | null;
}

export const DEAD_LETTER_STATES = [
  'unconfirmed',
  'pending',
  'resolved',
  'dead',
  'discarded',
  'orphan',
] as const;
export type DeadLetterState = (typeof DEAD_LETTER_STATES)[number];

export interface DeadLettersTable {
  letter_id: GeneratedAlways<bigint>;
  source_id: number | null;
  source_offset: bigint;
  record_sha256: Uint8Array;
  state: DeadLetterState;
  code: string;
  last_code: string;
  last_field: Generated<string>;
  last_message: Generated<string>;
  fingerprint: string;
  app: Generated<string>;
  app_version: Generated<string>;
  append_ms: bigint | null;
  dlq_source_id: number | null;
  dlq_offset: bigint | null;
  dlq_append_ms: bigint | null;
  lane: number;
  recorded_at: ServerTime;
  series: Generated<number>;
  attempts: Generated<number>;
  attempts_max: Generated<number>;
  next_attempt_at: Date | null;
  lease_epoch: bigint | null;
  is_suspect: Generated<boolean>;
  is_exhausted: Generated<boolean>;
  outcome: 'stored' | 'duplicate' | 'conflict' | null;
  impression_id: string | null;
  event_key: string | null;
  settled_at: Date | null;
  job_id: bigint | null;
  discarded_from: 'pending' | 'dead' | null;
  discard_action: bigint | null;
}

export interface DeadLetterRecordsTable {
  letter_id: bigint;
  record_key: Uint8Array | null;
  record_value: Uint8Array | null;
  record_headers: Uint8Array;
  recorded_at: ServerTime;
}

export interface DeadLetterAttemptsTable {
  letter_id: bigint;
  series: number;
  attempt: number;
  started_at: ServerTime;
  finished_at: Date | null;
  outcome: 'stored' | 'duplicate' | 'conflict' | 'failed' | 'lapsed' | null;
  code: string | null;
  message: string | null;
  app_version: string;
  source_id: number | null;
  source_offset: bigint | null;
}

export type RedriveJobState = 'running' | 'paused' | 'cancelled' | 'done';

export interface RedriveJobsTable {
  job_id: GeneratedAlways<bigint>;
  actor: string;
  reason: string;
  filter: ColumnType<unknown, string, never>;
  rate: number;
  state: Generated<RedriveJobState>;
  total: number;
  admitted: Generated<number>;
  created_at: ServerTime;
  paced_from: ColumnType<Date, never, Date>;
  paced_base: Generated<number>;
  finished_at: Date | null;
}

export interface RedriveReceiptsTable {
  job_id: bigint;
  letter_id: bigint;
  place: number;
  series: number | null;
  outcome: 'stored' | 'duplicate' | 'conflict' | 'failed' | 'dead' | 'skipped' | null;
  changed_at: Date | null;
}

export interface WriteGuardsTable {
  only_row: Generated<boolean>;
  horizon_ms: Generated<bigint>;
  frontier_ms: Generated<bigint>;
}

export interface NotificationRequestsTable {
  request_id: GeneratedAlways<bigint>;
  alert: string;
  alert_key: string;
  status: 'firing' | 'resolved';
  summary: string;
  detail: ColumnType<unknown, string | undefined, never>;
  requested_by: string;
  requested_at: ServerTime;
  taken_at: Date | null;
}

export interface AlerterLeaseTable {
  only_row: Generated<boolean>;
  epoch: Generated<bigint>;
  owner: string | null;
  topic: string | null;
  backend_pid: number | null;
  backend_start: Date | null;
  renewed_at: Generated<Date>;
}

export interface DeadTopicPositionsTable {
  topic: string;
  topic_id: string;
  partition: number;
  next_offset: bigint;
  last_append_at: Date | null;
}

export interface DeadLetterArrivalsTable {
  topic: string;
  letter: string;
  appended_at: Date;
  partition: number;
  dead_offset: bigint;
  cause: string;
  origin: string;
  evaluated: Generated<boolean>;
}

export interface IncidentsTable {
  incident_id: GeneratedAlways<bigint>;
  incident_uid: Generated<string>;
  alert: string;
  alert_key: string;
  status: 'firing' | 'resolved';
  opened_at: ServerTime;
  starts_at: Date;
  ends_at: Date | null;
  breached_at: Date | null;
  breached_until: Date | null;
  letters: Generated<bigint>;
  summary: string;
  detail: ColumnType<unknown, string | undefined, string>;
  detected_late: Generated<boolean>;
  revision: Generated<number>;
  told_at: Date | null;
  has_news: Generated<boolean>;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
}

export const NOTIFICATION_KINDS = ['firing', 'update', 'repeat', 'resolved'] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

export interface NotificationsTable {
  notification_id: GeneratedAlways<bigint>;
  incident_id: bigint;
  revision: number;
  sink: string;
  kind: NotificationKind;
  message: ColumnType<unknown, string, never>;
  state: Generated<'waiting' | 'sent' | 'failed' | 'superseded'>;
  attempts: Generated<number>;
  refusals: Generated<number>;
  next_attempt_at: Generated<Date>;
  claimed_epoch: bigint | null;
  claimed_at: Date | null;
  settled_at: Date | null;
  last_error: string | null;
  created_at: ServerTime;
}

export interface LateNotesTable {
  note_id: GeneratedAlways<bigint>;
  noted_at: ServerTime;
  source_ids: number[];
  first_offsets: bigint[];
  end_offsets: bigint[];
  impressions: number;
  impression_ids: string[];
}

export interface RollupVersionsTable {
  version: number;
  algorithm: string;
  window_ms: bigint;
  tolerance_ms: bigint;
  claimed_to: bigint;
  created_at: ServerTime;
}

export interface RollupBasesTable {
  version: number;
  first_cohort: bigint;
  last_cohort: bigint;
  seen_sources: number[] | null;
  seen_offsets: bigint[] | null;
  events: bigint | null;
  taken_at: Date | null;
  run_id: bigint | null;
}

export interface RollupProgressTable {
  only_row: Generated<boolean>;
  applied_sources: number[];
  applied_offsets: bigint[];
}

/** Sums of money are numeric, which the driver reads as text. */
export interface RollupByCampaignTable {
  version: number;
  cohort: bigint;
  hour: Date;
  campaign_id: string;
  currency: string;
  impressions: bigint;
  clicks: bigint;
  click_conversions: bigint;
  view_conversions: bigint;
  unmatched_clicks: bigint;
  unmatched_conversions: bigint;
  early_clicks: bigint;
  early_conversions: bigint;
  spend_micros: string;
  click_value_micros: string;
  view_value_micros: string;
  unmatched_spend_micros: string;
  unmatched_value_micros: string;
  invalid_spend_micros: string;
  invalid_value_micros: string;
}

export interface RollupPromotionTable {
  only_row: Generated<boolean>;
  version: number;
  previous_version: number | null;
  promoted_at: ServerTime;
}

export const BACKFILL_STATES = ['running', 'paused', 'cancelled', 'done', 'failed'] as const;
export type BackfillState = (typeof BACKFILL_STATES)[number];

export interface BackfillRunsTable {
  run_id: GeneratedAlways<bigint>;
  version: number;
  first_cohort: bigint;
  last_cohort: bigint;
  state: Generated<BackfillState>;
  rate: number | null;
  actor: string;
  started_at: ServerTime;
  seen_at: ColumnType<Date, never, Date>;
  ended_at: Date | null;
}
