import { type RawBuilder, sql } from 'kysely';
import { attributionQuery, type Partition } from './attribution-sql.ts';
import type { RollupDefinition } from './definitions.ts';
import { COUNTS, KINDS, MEASURES, type Measure, MONEY, type Rollup, ROLLUPS } from './measures.ts';

/** Which grouping set a row of `totals` belongs to, as `grouping(creative_id, placement_id)` tells. */
const GROUPING: Readonly<Record<Rollup, number>> = { creative: 1, placement: 2, campaign: 3 };

const NAMES = Object.keys(ROLLUPS) as Rollup[];

/**
 * The common table expressions `attributed` and `totals` over `input` and `companions` (see
 * `attributionQuery`): counts and money by cohort, hour, currency, kind and the dimensions of each rollup.
 */
export function totalsOf(partition: Partition, definition: RollupDefinition): RawBuilder<unknown> {
  const common = 'cohort, hour, currency, kind';
  const sets = NAMES.map((name) => `(${common}, ${ROLLUPS[name].dimensions.join(', ')})`);
  return sql`attributed AS (${attributionQuery(partition, definition)}),
    totals AS (
      SELECT grouping(creative_id, placement_id) AS rollup, ${sql.raw(common)},
             campaign_id, creative_id, placement_id,
             sum(sign)::int AS events, sum(sign * amount_micros) AS micros
      FROM attributed
      GROUP BY GROUPING SETS (${sql.raw(sets.join(', '))})
    )`;
}

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
    WHERE rollup = ${GROUPING[rollup]} AND (events <> 0 OR micros <> 0)
    GROUP BY ${group}`);
}

/** Inserts the rows that `totals` gives for a rollup. */
export function insertTotals(rollup: Rollup, version: number): RawBuilder<unknown> {
  return sql`INSERT INTO ${sql.table(ROLLUPS[rollup].table)} (${sql.raw(columnsOf(rollup).join(', '))})
    ${selectTotals(rollup, version)}`;
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
  const kinds = Object.entries(KINDS)
    .filter(([, { count, money }]) => count === measure || money === measure)
    .map(([kind]) => `'${kind}'`);
  return `coalesce(sum(${column}) FILTER (WHERE kind IN (${kinds.join(', ')})), 0)`;
}
