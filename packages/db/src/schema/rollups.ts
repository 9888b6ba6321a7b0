import type { ColumnType, Generated, GeneratedAlways } from 'kysely';
import type { ServerTime } from './server-time.ts';

// Aggregates and their backfills (migrations 0008, 0010, 0030).

/** Length of a cohort: impressions born in one such slice of UUIDv7 time. Frozen, as in `rollup_cohort`. */
export const COHORT_MS = 30_000;

/** `int8[]`: the driver reads its elements as text. */
type Int8s = ColumnType<string[], bigint[], bigint[]>;

export interface LateNotesTable {
  note_id: GeneratedAlways<bigint>;
  noted_at: ServerTime;
  source_ids: number[];
  first_offsets: Int8s;
  end_offsets: Int8s;
  impressions: number;
  impression_ids: string[];
}

export interface RollupVersionsTable {
  version: number;
  algorithm: string;
  window_ms: bigint;
  tolerance_ms: bigint;
  claimed_through: bigint;
  rollups: Generated<string[]>;
  created_at: ServerTime;
}

export interface RollupBasesTable {
  version: number;
  first_cohort: bigint;
  last_cohort: bigint;
  seen_sources: number[] | null;
  seen_offsets: ColumnType<string[] | null, bigint[] | null, bigint[] | null>;
  events: bigint | null;
  taken_at: Date | null;
  run_id: bigint | null;
  folded_at: Date | null;
  taken_over_from: number | null;
  lacks_rollups: Generated<string[]>;
}

export interface RollupProgressTable {
  only_row: Generated<boolean>;
  applied_sources: number[];
  applied_offsets: Int8s;
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
  /** Whether its sums are in those of its UTC day, too. */
  in_days: Generated<boolean>;
}

/** The sums of a UTC day over the rows that are marked so; only triggers write it. */
export type RollupDaysByCampaignTable = Omit<
  RollupByCampaignTable,
  'cohort' | 'hour' | 'in_days'
> & {
  day: ColumnType<Date, never, never>;
};

export interface RollupPromotionTable {
  only_row: Generated<boolean>;
  version: number;
  previous_version: number | null;
  promoted_at: ColumnType<Date, never, Date>;
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
  purged_before_ms: Generated<bigint>;
}
