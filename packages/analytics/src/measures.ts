/**
 * What becomes of an event in the rollups; each event is of exactly one kind.
 * - `unmatched_*`: its impression does not exist (yet); counted apart until it does
 * - `early_*`: an invalid order, it occurred before its impression by more than the tolerance
 * - `click_conversion`: earned by the last valid click before it within the window
 * - `view_conversion`: earned by the impression alone
 */
export const KINDS = {
  impression: { count: 'impressions', money: 'spend_micros' },
  click: { count: 'clicks', money: 'spend_micros' },
  click_conversion: { count: 'click_conversions', money: 'click_value_micros' },
  view_conversion: { count: 'view_conversions', money: 'view_value_micros' },
  unmatched_click: { count: 'unmatched_clicks', money: 'unmatched_spend_micros' },
  unmatched_conversion: { count: 'unmatched_conversions', money: 'unmatched_value_micros' },
  early_click: { count: 'early_clicks', money: 'invalid_spend_micros' },
  early_conversion: { count: 'early_conversions', money: 'invalid_value_micros' },
} as const;

export type EventKind = keyof typeof KINDS;

/** Stands for a kind inside a query, where millions of rows are grouped by it; stored nowhere. */
export function kindNumber(kind: EventKind): number {
  return Object.keys(KINDS).indexOf(kind);
}

type Declared = (typeof KINDS)[EventKind];
/** A column of a rollup table that is summed up. */
export type Measure = Declared['count'] | Declared['money'];

const DECLARED: readonly Declared[] = Object.values(KINDS);

export const COUNTS: readonly Declared['count'][] = DECLARED.map(({ count }) => count);
/** In micros, by currency. */
export const MONEY: readonly Declared['money'][] = [...new Set(DECLARED.map(({ money }) => money))];
export const MEASURES: readonly Measure[] = [...COUNTS, ...MONEY];

/** The three rollups: their tables and what each distinguishes beside hour and currency. */
export const ROLLUPS = {
  campaign: { table: 'rollup_by_campaign', dimensions: ['campaign_id'] },
  creative: { table: 'rollup_by_creative', dimensions: ['campaign_id', 'creative_id'] },
  placement: { table: 'rollup_by_placement', dimensions: ['campaign_id', 'placement_id'] },
} as const;

export type Rollup = keyof typeof ROLLUPS;
