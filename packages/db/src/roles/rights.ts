import type { Schema } from '../schema.ts';

/** What a role may do with a table, beside reading it; in parentheses with these columns alone. */
type Rights = Partial<Record<keyof Schema, string>>;

/** One role of the database, for one app or one kind of person. */
export interface Role {
  readonly name: string;
  readonly whose: string;
  /** `all`: every table. */
  readonly reads: 'all' | readonly string[];
  readonly writes: Rights;
  readonly functions: readonly string[];
}

/** What every service writes beside its own work: reports, and what the leader tells (packages/system-metrics). */
const TELLS: Rights = {
  service_processes: 'INSERT, UPDATE, DELETE',
  partition_reports: 'INSERT, UPDATE, DELETE',
  partition_lag: 'INSERT, UPDATE, DELETE',
  audit_results: 'INSERT, UPDATE',
  notification_requests: 'INSERT, UPDATE',
};

/** What whoever commits batches writes. Whose a cursor is, only the claim's function says. */
const COMMITS: Rights = {
  events: 'INSERT',
  conflicts: 'INSERT',
  late_notes: 'INSERT',
  ledger: 'INSERT',
  sources: 'INSERT',
  cursors:
    'INSERT (source_id, next_offset), UPDATE (next_offset, known_end_offset, halted_code, halted_detail, ' +
    'halted_resume_at, halted_at, read_up_to, read_leader_epoch)',
};

const CLAIMS = [
  'claim_source(int, text, int)',
  'adopt_sources(int[], bigint[])',
  'release_sources(int[], bigint[])',
  'end_former_owner(int, int, timestamptz, int)',
];

const DAYS = [
  'build_event_day(date)',
  'copy_event_day(date, int)',
  'move_event_day(date)',
  'drop_event_day_leftovers()',
];

const RETENTION = [
  'raise_horizon(bigint)',
  'find_retired_days()',
  'watch_retired_day(date)',
  'count_retired_day(date)',
  'drop_retired_day(date)',
  'recount_retired_day(date)',
  'fold_ledger(int, timestamptz, int)',
  'begin_timeless_pass(timestamptz)',
  'purge_timeless(bigint, uuid[], bigint)',
];

/** A day comes back from its archive in one transaction of an operator's. */
const RESTORES = [
  'build_restored_day(date)',
  'attach_restored_day(date, bigint, text)',
  'drop_restored_day(date)',
];

const ROLLUPS = ['rollup_by_campaign', 'rollup_by_creative', 'rollup_by_placement'] as const;
const ROLLUP_DAYS = [
  'rollup_days_by_campaign',
  'rollup_days_by_creative',
  'rollup_days_by_placement',
] as const;
const REPORTS = [
  'report_campaign_daily',
  'report_creative_daily',
  'report_placement_daily',
  'report_adjustments_daily',
] as const;

/** What a report needs beside figures: where its offsets lie, which version it shows, as of when. No record's bytes. */
const STANDING = [
  'sources',
  'cursors',
  'rollup_versions',
  'rollup_promotion',
  'rollup_bases',
  'rollup_progress',
  'late_notes',
  'write_guards',
  'retired_days',
  'retired_day_counts',
  'retired_campaign_spans',
  'timeless_passes',
  'timeless_purged',
  'schema_versions',
  'kysely_migration',
] as const;

/** Who writes what, and calls which of the owner's functions. */
export const ROLES: readonly Role[] = [
  {
    name: 'adtally_ingest',
    whose: 'ingest-consumer',
    reads: 'all',
    writes: {
      ...TELLS,
      ...COMMITS,
      topic_rules: 'INSERT, UPDATE',
      topic_shares: 'INSERT',
      misrouted_sources: 'INSERT, UPDATE',
      dead_letter_refs: 'INSERT',
      dead_letters: 'INSERT',
      dead_letter_records: 'INSERT',
    },
    functions: [...CLAIMS, ...DAYS],
  },
  {
    name: 'adtally_reprocessor',
    whose: 'dlq-reprocessor',
    reads: 'all',
    writes: {
      ...TELLS,
      ...COMMITS,
      dead_letters: 'INSERT, UPDATE',
      // It locks what it drops, which takes the right to change a column.
      dead_letter_records: 'INSERT, UPDATE (recorded_at), DELETE',
      dead_letter_attempts: 'INSERT, UPDATE',
      redrive_jobs: 'UPDATE',
      redrive_receipts: 'UPDATE',
      reading_limits: 'INSERT, UPDATE',
    },
    functions: CLAIMS,
  },
  {
    name: 'adtally_alerter',
    whose: 'dead-queue-alerter',
    reads: 'all',
    writes: {
      ...TELLS,
      notification_requests: 'INSERT, UPDATE, DELETE',
      alerter_lease: 'UPDATE (renewed_at)',
      dead_topic_positions: 'INSERT, UPDATE',
      dead_letter_arrivals: 'INSERT, UPDATE, DELETE',
      incidents: 'INSERT, UPDATE',
      notifications: 'INSERT, UPDATE, DELETE',
    },
    functions: ['take_alerter_lease(text, text, interval)'],
  },
  {
    name: 'adtally_backfill',
    whose: 'backfill-runner',
    reads: 'all',
    writes: {
      ...TELLS,
      ...COMMITS,
      late_notes: 'INSERT, DELETE',
      write_guards: 'UPDATE (frontier_ms)',
      rollup_versions: 'INSERT, UPDATE',
      rollup_bases: 'INSERT, UPDATE, DELETE',
      rollup_progress: 'INSERT, UPDATE',
      rollup_promotion: 'INSERT, UPDATE',
      backfill_runs: 'INSERT, UPDATE',
      replay_runs: 'INSERT, UPDATE',
      replay_progress: 'INSERT, UPDATE',
      operator_actions: 'INSERT',
      retired_days: 'UPDATE (archived_at, waits_for, waits_detail)',
      timeless_passes: 'UPDATE (looked_at_through, ended_at)',
      ...Object.fromEntries(ROLLUPS.map((table) => [table, 'INSERT, UPDATE, DELETE'])),
    },
    functions: [...CLAIMS, ...RETENTION, 'replay_backends(bigint)', 'replay_holders(bigint)'],
  },
  {
    name: 'adtally_ops',
    whose: 'operators (ops)',
    reads: 'all',
    writes: {
      operator_actions: 'INSERT',
      adjustments: 'INSERT',
      audit_results: 'INSERT, UPDATE',
      notification_requests: 'INSERT, UPDATE',
      topic_rules: 'INSERT, UPDATE',
      incidents: 'UPDATE',
      dead_letters: 'UPDATE',
      redrive_jobs: 'INSERT, UPDATE',
      redrive_receipts: 'INSERT, UPDATE',
      // Accepting a loss, and ending the claims of a topic whose rules change.
      ledger: 'INSERT',
      sources: 'INSERT, UPDATE (closed_at)',
      cursors:
        'INSERT (source_id, next_offset), UPDATE (next_offset, epoch, halted_code, halted_detail, ' +
        'halted_resume_at, halted_at)',
    },
    functions: RESTORES,
  },
  {
    name: 'adtally_analyst',
    whose: 'people and tools that read figures',
    reads: [
      'events',
      'restored.events',
      'restored.days',
      'adjustments',
      ...ROLLUPS,
      ...ROLLUP_DAYS,
      ...REPORTS,
      ...STANDING,
    ],
    writes: {},
    functions: [],
  },
];

/** What runs as the owner, whoever calls it. */
export const OWNERS_FUNCTIONS: readonly string[] = [
  ...new Set(ROLES.flatMap(({ functions }) => functions)),
];
