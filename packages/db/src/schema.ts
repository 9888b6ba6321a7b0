import type { EventType } from '@adtally/event-schema';
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { AdjustmentsTable } from './schema/adjustments.ts';
import type {
  AlerterLeaseTable,
  DeadLetterArrivalsTable,
  DeadTopicPositionsTable,
  IncidentsTable,
  NotificationRequestsTable,
  NotificationsTable,
} from './schema/alerting.ts';
import type { AuditResultsTable } from './schema/audit.ts';
import type {
  DeadLetterAttemptsTable,
  DeadLetterRecordsTable,
  DeadLetterRefsTable,
  DeadLettersTable,
  RedriveJobsTable,
  RedriveReceiptsTable,
} from './schema/letters.ts';
import type { PartitionLagTable, PartitionReportsTable } from './schema/partitions.ts';
import type { ReplayProgressTable, ReplayRunsTable } from './schema/replays.ts';
import type {
  LedgerFoldsTable,
  RetiredCampaignSpansTable,
  RetiredDayCountsTable,
  RetiredDayRangesTable,
  RetiredDaysTable,
  RetiredDayStraysTable,
  TimelessPassesTable,
  TimelessPurgedTable,
} from './schema/retention.ts';
import type {
  BackfillRunsTable,
  LateNotesTable,
  RollupBasesTable,
  RollupByCampaignTable,
  RollupDaysByCampaignTable,
  RollupProgressTable,
  RollupPromotionTable,
  RollupVersionsTable,
} from './schema/rollups.ts';
import type { ServerTime } from './schema/server-time.ts';
import type { ServiceProcessesTable } from './schema/services.ts';
import type {
  MisroutedSourcesTable,
  ReadingLimitsTable,
  TopicRulesTable,
  TopicSharesTable,
} from './schema/topics.ts';

export * from './schema/adjustments.ts';
export * from './schema/alerting.ts';
export * from './schema/audit.ts';
export * from './schema/letters.ts';
export * from './schema/partitions.ts';
export * from './schema/replays.ts';
export * from './schema/retention.ts';
export * from './schema/rollups.ts';
export * from './schema/services.ts';
export * from './schema/topics.ts';

/** The tables as Kysely sees them. `int8` reads as bigint (database.ts), `timestamptz` as Date. */
export interface Schema {
  schema_versions: SchemaVersionsTable;
  sources: SourcesTable;
  ledger: LedgerTable;
  cursors: CursorsTable;
  operator_actions: OperatorActionsTable;
  events: EventsTable;
  'restored.events': EventsTable;
  'restored.days': RestoredDaysTable;
  conflicts: ConflictsTable;
  adjustments: AdjustmentsTable;
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
  audit_results: AuditResultsTable;
  incidents: IncidentsTable;
  notifications: NotificationsTable;
  late_notes: LateNotesTable;
  rollup_versions: RollupVersionsTable;
  rollup_bases: RollupBasesTable;
  rollup_progress: RollupProgressTable;
  rollup_by_campaign: RollupByCampaignTable;
  rollup_by_creative: RollupByCampaignTable & { creative_id: string };
  rollup_by_placement: RollupByCampaignTable & { placement_id: string };
  rollup_days_by_campaign: RollupDaysByCampaignTable;
  rollup_days_by_creative: RollupDaysByCampaignTable & { creative_id: string };
  rollup_days_by_placement: RollupDaysByCampaignTable & { placement_id: string };
  rollup_promotion: RollupPromotionTable;
  backfill_runs: BackfillRunsTable;
  replay_runs: ReplayRunsTable;
  replay_progress: ReplayProgressTable;
  partition_reports: PartitionReportsTable;
  partition_lag: PartitionLagTable;
  topic_rules: TopicRulesTable;
  topic_shares: TopicSharesTable;
  misrouted_sources: MisroutedSourcesTable;
  reading_limits: ReadingLimitsTable;
  service_processes: ServiceProcessesTable;
  ledger_folds: LedgerFoldsTable;
  retired_days: RetiredDaysTable;
  retired_day_counts: RetiredDayCountsTable;
  retired_campaign_spans: RetiredCampaignSpansTable;
  retired_day_ranges: RetiredDayRangesTable;
  retired_day_strays: RetiredDayStraysTable;
  timeless_passes: TimelessPassesTable;
  timeless_purged: TimelessPurgedTable;
}

interface SchemaVersionsTable {
  version: number;
  oldest_build: number;
}

/**
 * `redrive`: the retries of a DLQ partition's letters, whoever asked for them. Everywhere else a redrive is an
 * operator's order; the kind keeps its name, since it stands in databases and in what the audit prints.
 */
export const SOURCE_KINDS = ['events', 'dlq', 'redrive', 'replay'] as const;
export type SourceKind = (typeof SOURCE_KINDS)[number];

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
  session_mark: number | null;
  claimed_at: Date | null;
  known_end_offset: bigint | null;
  halted_code: string | null;
  halted_detail: string | null;
  halted_resume_at: bigint | null;
  halted_at: Date | null;
  read_up_to: bigint | null;
  read_leader_epoch: number | null;
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
  event_type: EventType;
  impression_id: string;
  event_key: string;
  click_id: string | null;
  currency: string;
  campaign_id: string;
  creative_id: string;
  placement_id: string;
  conversion_id: string | null;
}

/** Days that came back from their archive (migration 0032). */
export interface RestoredDaysTable {
  /** `2026-11-01`, in UTC. */
  day: ColumnType<Date, string, never>;
  events: bigint;
  digest: string;
  restored_at: ServerTime;
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

export interface WriteGuardsTable {
  only_row: Generated<boolean>;
  horizon_ms: Generated<bigint>;
  frontier_ms: Generated<bigint>;
}
