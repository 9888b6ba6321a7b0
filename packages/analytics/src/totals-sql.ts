import { type RawBuilder, sql } from 'kysely';
import { attribution, type Partition } from './attribution-sql.ts';
import type { CohortRange } from './bases.ts';
import type { RollupDefinition } from './definitions.ts';
import {
  COUNTS,
  type EventKind,
  kindNumber,
  KINDS,
  MEASURES,
  type Measure,
  MONEY,
} from './measures.ts';
import {
  type Dimension,
  dimensionsIn,
  dimensionsOf,
  groupingSetsOf,
  type Rollup,
  ROLLUPS,
} from './rollups.ts';

/** How `totals` are grouped, as text. */
interface Grouping {
  /** Grouped by whatever the set. */
  readonly always: readonly Dimension[];
  /** In some sets only: what `grouping` tells the sets apart by. */
  readonly sometimes: readonly Dimension[];
  readonly sets: readonly (readonly Dimension[])[];
  /** By set: the value of `summed` in its rows. */
  readonly marks: readonly number[];
  readonly setOf: (rollup: Rollup) => number;
}

function groupingOf({ rollups }: RollupDefinition): Grouping {
  const { sets, setOf } = groupingSetsOf(rollups);
  const all = dimensionsOf(rollups);
  const always = all.filter((dimension) => sets.every((set) => set.includes(dimension)));
  const sometimes = all.filter((dimension) => !always.includes(dimension));
  // As `grouping` counts: a bit for each of its arguments, the last one lowest, set where it is not grouped by.
  const marks = sets.map((set) =>
    sometimes.reduce((mark, dimension) => mark * 2 + (set.includes(dimension) ? 0 : 1), 0),
  );
  return { always, sometimes, sets, marks, setOf };
}

/**
 * The common table expressions of `attribution` and `totals`: counts and money by cohort, hour,
 * currency, kind and the dimensions of the rollups.
 */
export function totalsOf(partition: Partition, definition: RollupDefinition): RawBuilder<unknown> {
  const { always, sometimes, sets } = groupingOf(definition);
  const summed = sometimes.length === 0 ? '0' : `grouping(${sometimes.join(', ')})`;
  const common = ['cohort', 'hour', 'currency', 'kind', ...always].join(', ');
  const varying = sets.map((set) => `(${set.filter((one) => !always.includes(one)).join(', ')})`);
  return sql`${attribution(partition, definition)},
    totals AS (
      SELECT ${sql.raw(`${summed} AS summed, ${[common, ...sometimes].join(', ')}`)},
             sum(sign)::int AS events, sum(sign * amount_micros) AS micros
      FROM attributed
      GROUP BY ${sql.raw(common)}, GROUPING SETS (${sql.raw(varying.join(', '))})
    )`;
}

/** How many events `totals` sums up. */
export function eventsInTotals(definition: RollupDefinition): RawBuilder<unknown> {
  const [first] = groupingOf(definition).marks;
  return sql.raw(`coalesce((SELECT sum(events) FROM totals WHERE summed = ${first}), 0)`);
}

/** The columns that name a rollup row, in the order of its key. */
export function keyOf(rollup: Rollup): readonly string[] {
  return ['version', 'cohort', 'hour', ...dimensionsIn(rollup), 'currency'];
}

/** Key and measures of a rollup's rows, in the order of `selectTotals`. */
export function columnsOf(rollup: Rollup): readonly string[] {
  return [...keyOf(rollup), ...MEASURES];
}

/** The rows that `totals` gives for a rollup. */
export function selectTotals(rollup: Rollup, definition: RollupDefinition): RawBuilder<unknown> {
  const { marks, setOf } = groupingOf(definition);
  const group = keyOf(rollup).slice(1).join(', ');
  const sums = [
    ...COUNTS.map((count) => sumOf(count, 'events')),
    ...MONEY.map((money) => sumOf(money, 'micros')),
  ];
  return sql.raw(`
    SELECT ${definition.version}, ${group}, ${sums.join(', ')}
    FROM totals
    WHERE summed = ${marks[setOf(rollup)]} AND (events <> 0 OR micros <> 0)
    GROUP BY ${group}`);
}

/** Inserts the rows that `totals` gives for a rollup. */
export function insertTotals(rollup: Rollup, definition: RollupDefinition): RawBuilder<unknown> {
  return sql`INSERT INTO ${sql.table(ROLLUPS[rollup].table)} (${sql.raw(columnsOf(rollup).join(', '))})
    ${selectTotals(rollup, definition)} ORDER BY ${sql.raw(keyOf(rollup).slice(1).join(', '))}`;
}

/** Adds `totals` to the rows that are there; returns those that became empty, which are to be deleted. */
export function addTotals(rollup: Rollup, definition: RollupDefinition): RawBuilder<unknown> {
  const { table } = ROLLUPS[rollup];
  const added = MEASURES.map((name) => `${name} = ${table}.${name} + excluded.${name}`);
  return sql`${insertTotals(rollup, definition)}
    ON CONFLICT (${sql.raw(keyOf(rollup).join(', '))}) DO UPDATE SET ${sql.raw(added.join(', '))}
    RETURNING ${sql.lit(rollup)} AS rollup, ctid AS row,
              ${sql.raw(MEASURES.map((name) => `${name} = 0`).join(' AND '))} AS is_empty`;
}

/**
 * Common table expressions that make a rollup's rows of a folded base those that `totals` gives, and mark them as summed up
 * by day. By one statement that leaves alone what is right: so days are locked for its end only, and few change.
 */
export function replaceWithTotals(
  rollup: Rollup,
  definition: RollupDefinition,
  { first, last }: CohortRange,
): RawBuilder<unknown> {
  const { table } = ROLLUPS[rollup];
  const [expected, gone, into] = ['expected', 'gone_from', 'into'].map((name) =>
    sql.raw(`${name}_${rollup}`),
  );
  const key = keyOf(rollup).join(', ');
  const isSame = keyOf(rollup)
    .map((name) => `e.${name} = ${table}.${name}`)
    .join(' AND ');
  const columns = columnsOf(rollup).join(', ');
  const set = MEASURES.map((name) => `${name} = excluded.${name}`).join(', ');
  const values = (of: string) => MEASURES.map((name) => `${of}.${name}`).join(', ');
  return sql`
    ${expected} (${sql.raw(columns)}) AS MATERIALIZED (${selectTotals(rollup, definition)}),
    ${gone} AS (
      DELETE FROM ${sql.table(table)} WHERE version = ${definition.version} AND cohort BETWEEN ${first} AND ${last}
        AND NOT EXISTS (SELECT FROM ${expected} e WHERE ${sql.raw(isSame)})
    ),
    ${into} AS (
      INSERT INTO ${sql.table(table)} (${sql.raw(columns)}, in_days)
      SELECT *, true FROM ${expected} ORDER BY ${sql.raw(keyOf(rollup).slice(1).join(', '))}
      ON CONFLICT (${sql.raw(key)}) DO UPDATE SET ${sql.raw(set)}, in_days = true
      WHERE (${sql.raw(values(table))}) IS DISTINCT FROM (${sql.raw(values('excluded'))}) OR NOT ${sql.table(table)}.in_days
    )`;
}

function sumOf(measure: Measure, column: 'events' | 'micros'): string {
  const kinds = (Object.keys(KINDS) as EventKind[])
    .filter((kind) => KINDS[kind].count === measure || KINDS[kind].money === measure)
    .map(kindNumber);
  return `coalesce(sum(${column}) FILTER (WHERE kind IN (${kinds.join(', ')})), 0)`;
}
