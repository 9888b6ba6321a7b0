import type { ColumnType, Generated } from 'kysely';
import type { ServerTime } from './server-time.ts';

/** Days below the horizon and how far each has come (migrations/0031). */
export interface RetiredDaysTable {
  day: Date;
  noticed_at: ServerTime;
  counted_at: Date | null;
  archived_at: Date | null;
  dropped_at: Date | null;
  rows: bigint | null;
  kept_rows: bigint | null;
  waits_for: WaitFor | null;
  waits_detail: string | null;
}

/** What a day may wait for before it is dropped. */
export const WAITS = ['rollups', 'late_notes', 'archive', 'locks', 'failure'] as const;
export type WaitFor = (typeof WAITS)[number];

/** What leaves, or left, with a day, by source. */
export interface RetiredDayCountsTable {
  day: Date;
  source_id: number;
  rows: bigint;
  fingerprint: bigint;
  first_offset: bigint;
  end_offset: bigint;
}

/** When events of a day happened that count for a campaign: of a period of a day or longer some left where a span meets it. */
export interface RetiredCampaignSpansTable {
  campaign_id: string;
  day: Date;
  first_occurred_at: Date;
  last_occurred_at: Date;
}

/** The same by ledger row, until the day is dropped. */
export interface RetiredDayRangesTable {
  day: Date;
  source_id: number;
  end_offset: bigint;
  rows: bigint;
  fingerprint: bigint;
}

/** How far the folding of each source's ledger rows has come. */
export interface LedgerFoldsTable {
  source_id: number;
  next_offset: bigint;
}

/** Rows of a day's partition that are to stay in events, until the day is dropped. */
export interface RetiredDayStraysTable {
  day: Date;
  impression_id: string;
  event_key: string;
}

/** Each time that all events are gone through for ids without a time that may leave (migrations/0035). */
export interface TimelessPassesTable {
  pass_id: Generated<bigint>;
  committed_before: Date;
  source_ids: number[];
  before_offsets: ColumnType<string[], bigint[], bigint[]>;
  looked_at_through: string | null;
  rows: bigint;
  started_at: ServerTime;
  last_purged_at: Date | null;
  ended_at: Date | null;
}

/** What left of ids without a time, by source and UTC day of the events. */
export interface TimelessPurgedTable {
  source_id: number;
  occurred_on: Date;
  rows: bigint;
  fingerprint: bigint;
  first_offset: bigint;
  end_offset: bigint;
  first_occurred_at: Date;
  last_occurred_at: Date;
}
