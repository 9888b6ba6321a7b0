import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { type Base, type CohortRange, isTimeless } from './bases.ts';
import { firstIdOf } from './cohorts.ts';

// uuid version 7, RFC variant, and not as far ahead as to be timeless: what `rollup_cohort` asks first.
// A CASE, since the planner would take two equalities for very selective.
const IS_TIMED = `CASE WHEN get_byte(uuid_send(impression_id), 6) >> 4 = 7
  AND get_byte(uuid_send(impression_id), 8) >> 6 = 2 THEN true ELSE false END`;
const WORK_MEMORY = '64MB';
/** What `planForBases` sets, but for JIT: off in all of a snapshot (`inSnapshot`). */
const PLANNED = [
  'work_mem',
  'enable_seqscan',
  'enable_bitmapscan',
  'enable_nestloop',
  'enable_sort',
];

/**
 * Whether a version counts an event `e`: it lies before max(W, V) of its source.
 *
 * @param seen alias of a row with a base's `seen_sources, seen_offsets`
 * @param applied alias of a row with `applied_sources, applied_offsets`
 */
export function isSummedUp(seen: string, applied: string): string {
  const before = (side: string, name: 'seen' | 'applied') =>
    `coalesce(${side}.${name}_offsets[array_position(${side}.${name}_sources, e.source_id)], 0)`;
  return `(e.source_offset < greatest(${before(seen, 'seen')}, ${before(applied, 'applied')}))`;
}

/**
 * The relations `input` and `companions` (see `attribution`) of a base's impressions: a range of the
 * primary key, or a scan of everything for the ids without a time.
 *
 * @param condition which of the events `e` count
 */
export function inputOfBase(base: Base, condition: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`input AS NOT MATERIALIZED (${eventsOf(base)} AND ${condition}),
    companions AS NOT MATERIALIZED (SELECT * FROM input)`;
}

/** The planner knows little of fresh rows: a walk along the key, joins and groups by hash. */
export async function planForBases(trx: DatabaseExecutor, base: CohortRange): Promise<void> {
  await sql`SET LOCAL jit = off; SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)};
    SET LOCAL enable_seqscan = ${sql.raw(isTimeless(base) ? 'on' : 'off')};
    SET LOCAL enable_bitmapscan = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off`.execute(
    trx,
  );
}

/** Takes back what `planForBases` set, for what the transaction reads after it. */
export async function planAsEver(trx: DatabaseExecutor): Promise<void> {
  await sql.raw(PLANNED.map((name) => `SET LOCAL ${name} TO DEFAULT`).join('; ')).execute(trx);
}

function eventsOf(base: Base): RawBuilder<unknown> {
  if (isTimeless(base)) {
    return sql`SELECT e.*, ${base.first}::bigint AS cohort, 1 AS sign FROM events e
      WHERE rollup_cohort(impression_id) = ${base.first}::bigint`;
  }
  const cohort =
    base.isFolded || base.first === base.last
      ? sql`${base.first}::bigint`
      : sql`rollup_cohort(impression_id)`;
  return sql`SELECT e.*, ${cohort} AS cohort, 1 AS sign FROM events e
    WHERE impression_id >= ${firstIdOf(base.first)}::uuid
      AND impression_id < ${firstIdOf(base.last + 1n)}::uuid AND ${sql.raw(IS_TIMED)}`;
}
