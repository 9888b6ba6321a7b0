import type { ColumnsOf } from './columns-of.ts';

const ROLLUP_DAYS = {
  version: 1,
  day: 1,
  campaign_id: 1,
  currency: 1,
  impressions: 1,
  clicks: 1,
  click_conversions: 1,
  view_conversions: 1,
  unmatched_clicks: 1,
  unmatched_conversions: 1,
  early_clicks: 1,
  early_conversions: 1,
  spend_micros: 1,
  click_value_micros: 1,
  view_value_micros: 1,
  unmatched_spend_micros: 1,
  unmatched_value_micros: 1,
  invalid_spend_micros: 1,
  invalid_value_micros: 1,
} as const;
const { day: _day, ...ROW } = ROLLUP_DAYS;
const ROLLUP = { ...ROW, cohort: 1, hour: 1, in_days: 1 } as const;

export const ROLLUP_AND_REPLAY_COLUMNS = {
  late_notes: {
    note_id: 1,
    noted_at: 1,
    source_ids: 1,
    first_offsets: 1,
    end_offsets: 1,
    impressions: 1,
    impression_ids: 1,
  },
  rollup_versions: {
    version: 1,
    algorithm: 1,
    window_ms: 1,
    tolerance_ms: 1,
    claimed_through: 1,
    rollups: 1,
    created_at: 1,
  },
  rollup_bases: {
    version: 1,
    first_cohort: 1,
    last_cohort: 1,
    seen_sources: 1,
    seen_offsets: 1,
    events: 1,
    taken_at: 1,
    run_id: 1,
    folded_at: 1,
    taken_over_from: 1,
    lacks_rollups: 1,
  },
  rollup_progress: { only_row: 1, applied_sources: 1, applied_offsets: 1 },
  rollup_by_campaign: ROLLUP,
  rollup_by_creative: { ...ROLLUP, creative_id: 1 },
  rollup_by_placement: { ...ROLLUP, placement_id: 1 },
  rollup_days_by_campaign: ROLLUP_DAYS,
  rollup_days_by_creative: { ...ROLLUP_DAYS, creative_id: 1 },
  rollup_days_by_placement: { ...ROLLUP_DAYS, placement_id: 1 },
  rollup_promotion: { only_row: 1, version: 1, previous_version: 1, promoted_at: 1 },
  backfill_runs: {
    run_id: 1,
    version: 1,
    first_cohort: 1,
    last_cohort: 1,
    state: 1,
    rate: 1,
    actor: 1,
    started_at: 1,
    seen_at: 1,
    ended_at: 1,
    purged_before_ms: 1,
  },
  replay_runs: {
    run_id: 1,
    topic: 1,
    topic_id: 1,
    rate: 1,
    actor: 1,
    reason: 1,
    state: 1,
    started_at: 1,
    ended_at: 1,
  },
  replay_progress: {
    run_id: 1,
    partition: 1,
    source_id: 1,
    events_source_id: 1,
    first_offset: 1,
    end_offset: 1,
    next_offset: 1,
    written: 1,
    rejected: 1,
    refused: 1,
    discarded: 1,
    known_conflicts: 1,
    gap: 1,
    missing: 1,
    codes: 1,
    beyond_cursor: 1,
  },
} as const satisfies ColumnsOf<
  | 'late_notes'
  | 'rollup_versions'
  | 'rollup_bases'
  | 'rollup_progress'
  | 'rollup_by_campaign'
  | 'rollup_by_creative'
  | 'rollup_by_placement'
  | 'rollup_days_by_campaign'
  | 'rollup_days_by_creative'
  | 'rollup_days_by_placement'
  | 'rollup_promotion'
  | 'backfill_runs'
  | 'replay_runs'
  | 'replay_progress'
>;
