import type { ColumnsOf } from './columns-of.ts';

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
    claimed_at: 1,
    known_end_offset: 1,
    halted_code: 1,
    halted_detail: 1,
    halted_resume_at: 1,
    halted_at: 1,
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
  events: {
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
} as const satisfies ColumnsOf<
  | 'schema_versions'
  | 'sources'
  | 'ledger'
  | 'cursors'
  | 'operator_actions'
  | 'events'
  | 'conflicts'
  | 'write_guards'
>;
