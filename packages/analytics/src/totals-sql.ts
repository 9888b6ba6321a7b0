import { type RawBuilder, sql } from 'kysely';
import { attribution, type Partition } from './attribution-sql.ts';
import type { RollupDefinition } from './definitions.ts';
import {
  COUNTS,
  type EventKind,
  kindNumber,
  KINDS,
  MEASURES,
  type Measure,
  MONEY,
  type Rollup,
  ROLLUPS,
} from './measures.ts';

/** The grouping sets of `totals`, and the value of `grouping(creative_id)` that tells them apart. */
const BY_CREATIVE = 0;
const BY_PLACEMENT = 1;

/** What a rollup sums up. Campaigns are sums of their creatives: a third set would cost each event more. */
const SUMMED: Readonly<Record<Rollup, number>> = {
  campaign: BY_CREATIVE,
  creative: BY_CREATIVE,
  placement: BY_PLACEMENT,
};

/**
 * The common table expressions of `attribution` and `totals`: counts and money by cohort, hour,
 * currency, kind and the dimensions of the rollups.
 */
export function totalsOf(partition: Partition, definition: RollupDefinition): RawBuilder<unknown> {
  return sql`${attribution(partition, definition)},
    totals AS (
      SELECT grouping(creative_id) AS summed, cohort, hour, currency, kind,
             campaign_id, creative_id, placement_id,
             sum(sign)::int AS events, sum(sign * amount_micros) AS micros
      FROM attributed
      GROUP BY cohort, hour, currency, kind, campaign_id, GROUPING SETS ((creative_id), (placement_id))
    )`;
}

/** How many events `totals` sums up. */
export const EVENTS_IN_TOTALS = sql.raw(
  `coalesce((SELECT sum(events) FROM totals WHERE summed = ${BY_CREATIVE}), 0)`,
);

/** The columns that name a rollup row, in the order of its key. */
export function keyOf(rollup: Rollup): readonly string[] {
  return ['version', 'cohort', 'hour', ...ROLLUPS[rollup].dimensions, 'currency'];
}

/** Key and measures of a rollup's rows, in the order of `selectTotals`. */
export function columnsOf(rollup: Rollup): readonly string[] {
  return [...keyOf(rollup), ...MEASURES];
}

/** The rows that `totals` gives for a rollup. */
export function selectTotals(rollup: Rollup, version: number): RawBuilder<unknown> {
  const group = ['cohort', 'hour', ...ROLLUPS[rollup].dimensions, 'currency'].join(', ');
  const sums = [
    ...COUNTS.map((count) => sumOf(count, 'events')),
    ...MONEY.map((money) => sumOf(money, 'micros')),
  ];
  return sql.raw(`
    SELECT ${version}, ${group}, ${sums.join(', ')}
    FROM totals
    WHERE summed = ${SUMMED[rollup]} AND (events <> 0 OR micros <> 0)
    GROUP BY ${group}`);
}

/** Inserts the rows that `totals` gives for a rollup. */
export function insertTotals(rollup: Rollup, version: number): RawBuilder<unknown> {
  return sql`INSERT INTO ${sql.table(ROLLUPS[rollup].table)} (${sql.raw(columnsOf(rollup).join(', '))})
    ${selectTotals(rollup, version)} ORDER BY ${sql.raw(keyOf(rollup).slice(1).join(', '))}`;
}

/** Adds `totals` to the rows that are there; returns those that became empty, which are to be deleted. */
export function addTotals(rollup: Rollup, version: number): RawBuilder<unknown> {
  const { table } = ROLLUPS[rollup];
  const added = MEASURES.map((name) => `${name} = ${table}.${name} + excluded.${name}`);
  return sql`${insertTotals(rollup, version)}
    ON CONFLICT (${sql.raw(keyOf(rollup).join(', '))}) DO UPDATE SET ${sql.raw(added.join(', '))}
    RETURNING ${sql.lit(rollup)} AS rollup, ctid AS row,
              ${sql.raw(MEASURES.map((name) => `${name} = 0`).join(' AND '))} AS is_empty`;
}

function sumOf(measure: Measure, column: 'events' | 'micros'): string {
  const kinds = (Object.keys(KINDS) as EventKind[])
    .filter((kind) => KINDS[kind].count === measure || KINDS[kind].money === measure)
    .map(kindNumber);
  return `coalesce(sum(${column}) FILTER (WHERE kind IN (${kinds.join(', ')})), 0)`;
}
