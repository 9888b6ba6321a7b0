import type { ColumnsOf } from './columns-of.ts';

const EVENT_COLUMNS = {
  occurred_at: 1,
  amount_micros: 1,
  source_offset: 1,
  source_id: 1,
  event_type: 1,
  impression_id: 1,
  event_key: 1,
  click_id: 1,
  currency: 1,
  campaign_id: 1,
  creative_id: 1,
  placement_id: 1,
  conversion_id: 1,
} as const;

export const COUNTING_COLUMNS = {
  schema_versions: { version: 1, oldest_build: 1 },
  sources: {
    source_id: 1,
    kind: 1,
    topic: 1,
    topic_id: 1,
    partition: 1,
    run: 1,
    created_at: 1,
    closed_at: 1,
  },
  ledger: {
    source_id: 1,
    first_offset: 1,
    end_offset: 1,
    epoch: 1,
    consumed: 1,
    stored: 1,
    duplicate: 1,
    conflict: 1,
    dead_lettered: 1,
    gap: 1,
    lost: 1,
    stored_fingerprint: 1,
    purged: 1,
    purged_fingerprint: 1,
    committed_at: 1,
  },
  cursors: {
    source_id: 1,
    next_offset: 1,
    epoch: 1,
    owner: 1,
    backend_pid: 1,
    backend_start: 1,
    session_mark: 1,
    claimed_at: 1,
    known_end_offset: 1,
    halted_code: 1,
    halted_detail: 1,
    halted_resume_at: 1,
    halted_at: 1,
    read_up_to: 1,
    read_leader_epoch: 1,
  },
  operator_actions: {
    action_id: 1,
    acted_at: 1,
    actor: 1,
    action: 1,
    source_id: 1,
    reason: 1,
    detail: 1,
  },
  events: EVENT_COLUMNS,
  'restored.events': EVENT_COLUMNS,
  'restored.days': { day: 1, events: 1, digest: 1, restored_at: 1 },
  adjustments: {
    adjustment_id: 1,
    booked_at: 1,
    actor: 1,
    reason: 1,
    action_id: 1,
    source_id: 1,
    source_offset: 1,
    impression_id: 1,
    event_key: 1,
    event_type: 1,
    occurred_at: 1,
    campaign_id: 1,
    creative_id: 1,
    placement_id: 1,
    amount_micros: 1,
    currency: 1,
    booking: 1,
    undoes: 1,
  },
  conflicts: {
    source_id: 1,
    source_offset: 1,
    impression_id: 1,
    event_key: 1,
    record_key: 1,
    record_value: 1,
    record_headers: 1,
    recorded_at: 1,
  },
  write_guards: { only_row: 1, horizon_ms: 1, frontier_ms: 1 },
  partition_reports: {
    topic: 1,
    partition: 1,
    consumer_group: 1,
    owner: 1,
    state: 1,
    reason_code: 1,
    reason_detail: 1,
    since: 1,
    reported_at: 1,
  },
  partition_lag: {
    kind: 1,
    topic: 1,
    partition: 1,
    source_id: 1,
    next_offset: 1,
    end_offset: 1,
    lag_records: 1,
    lag_seconds: 1,
    age_from: 1,
    state: 1,
    owner: 1,
    stuck_code: 1,
    stuck_detail: 1,
    stuck_since: 1,
    observed_at: 1,
  },
  topic_shares: { topic: 1, partitions: 1, noted_at: 1 },
  topic_rules: {
    topic: 1,
    value_format: 1,
    amounts_as_strings: 1,
    future_tolerance_seconds: 1,
    changed_at: 1,
  },
  reading_limits: {
    topic: 1,
    record_max_bytes: 1,
    json_max_depth: 1,
    read_as_newest: 1,
    app_version: 1,
    told_by: 1,
    told_at: 1,
  },
  misrouted_sources: {
    topic: 1,
    source: 1,
    cause: 1,
    records: 1,
    first_seen_at: 1,
    last_seen_at: 1,
    partition: 1,
    source_offset: 1,
    detail: 1,
  },
  service_processes: {
    service: 1,
    process: 1,
    started_at: 1,
    said_at: 1,
    worked_at: 1,
    ended_at: 1,
  },
  ledger_folds: { source_id: 1, next_offset: 1 },
  retired_days: {
    day: 1,
    noticed_at: 1,
    counted_at: 1,
    archived_at: 1,
    dropped_at: 1,
    rows: 1,
    kept_rows: 1,
    waits_for: 1,
    waits_detail: 1,
  },
  retired_day_counts: {
    day: 1,
    source_id: 1,
    rows: 1,
    fingerprint: 1,
    first_offset: 1,
    end_offset: 1,
  },
  retired_campaign_spans: { campaign_id: 1, day: 1, first_occurred_at: 1, last_occurred_at: 1 },
  retired_day_ranges: { day: 1, source_id: 1, end_offset: 1, rows: 1, fingerprint: 1 },
  retired_day_strays: { day: 1, impression_id: 1, event_key: 1 },
  timeless_passes: {
    pass_id: 1,
    committed_before: 1,
    source_ids: 1,
    before_offsets: 1,
    looked_at_through: 1,
    rows: 1,
    started_at: 1,
    last_purged_at: 1,
    ended_at: 1,
  },
  timeless_purged: {
    source_id: 1,
    occurred_on: 1,
    rows: 1,
    fingerprint: 1,
    first_offset: 1,
    end_offset: 1,
    first_occurred_at: 1,
    last_occurred_at: 1,
  },
} as const satisfies ColumnsOf<
  | 'schema_versions'
  | 'sources'
  | 'ledger'
  | 'cursors'
  | 'operator_actions'
  | 'events'
  | 'restored.events'
  | 'restored.days'
  | 'conflicts'
  | 'adjustments'
  | 'write_guards'
  | 'partition_reports'
  | 'partition_lag'
  | 'topic_shares'
  | 'topic_rules'
  | 'misrouted_sources'
  | 'reading_limits'
  | 'service_processes'
  | 'ledger_folds'
  | 'retired_days'
  | 'retired_day_counts'
  | 'retired_campaign_spans'
  | 'retired_day_ranges'
  | 'retired_day_strays'
  | 'timeless_passes'
  | 'timeless_purged'
>;
