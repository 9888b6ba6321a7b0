import type { Database, DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { inputOfBase, planForBases } from './base-input.ts';
import { type Base, type CohortRange, isTimeless } from './bases.ts';
import { COHORT_MS } from './cohorts.ts';
import type { RollupDefinition } from './definitions.ts';
import { ROLLUPS } from './rollups.ts';
import { takeOverTimeless, whileNoneLeave } from './timeless/take-over.ts';
import { eventsInTotals, insertTotals, replaceWithTotals, totalsOf } from './totals-sql.ts';

/** Which base is to be taken next: one never taken, or one of a range that a backfill has not done. */
export type Wanted = 'untaken' | { readonly runId: bigint; readonly range: CohortRange };

/** A base that was taken. */
export interface TakenBase extends Base {
  /** Events it sums up. */
  readonly events: bigint;
}

/**
 * Takes (or takes again) the next wanted base of a version in one transaction; null where none is left
 * that no other process is at. Its rows are computed anew from `events`, whatever was there before, and W
 * is the cursors of the very snapshot that computed them.
 *
 * The base's row is locked before that snapshot: late impressions are applied under the same lock, so
 * that what we replace can be neither younger than our snapshot nor missing from it.
 */
export async function takeNextBase(
  db: Database,
  definition: RollupDefinition,
  wanted: Wanted,
): Promise<TakenBase | null> {
  return await db
    .transaction()
    .setIsolationLevel('read committed')
    .execute(async (trx) => {
      // No day may be dropped between the look at the horizon and the scan; days may be attached.
      await sql`LOCK TABLE ONLY events IN ACCESS SHARE MODE`.execute(trx);
      const base = await lockNextBase(trx, definition.version, wanted);
      if (base === null) return null;
      await planForBases(trx, base);
      // Statements of their own: one that deleted and inserted would not see its own deletions.
      for (const rollup of base.isFolded ? [] : definition.rollups) {
        await sql`DELETE FROM ${sql.table(ROLLUPS[rollup].table)} WHERE version = ${definition.version}
        AND cohort BETWEEN ${base.first} AND ${base.last}`.execute(trx);
      }
      const runId = wanted === 'untaken' ? null : wanted.runId;
      if (!isTimeless(base)) return { ...base, events: await sumUp(trx, definition, base, runId) };
      await whileNoneLeave(trx, 'to compute a base');
      const events = await sumUp(trx, definition, base, runId);
      await takeOverTimeless(trx, definition);
      return { ...base, events };
    });
}

async function lockNextBase(
  trx: DatabaseExecutor,
  version: number,
  wanted: Wanted,
): Promise<Base | null> {
  const condition =
    wanted === 'untaken'
      ? sql`taken_at IS NULL`
      : sql`run_id IS DISTINCT FROM ${wanted.runId}
          AND last_cohort >= ${wanted.range.first} AND first_cohort <= ${wanted.range.last}`;
  // Below the horizon events are gone: taking such a base again would erase what they came to.
  const { rows } = await sql<Base>`
    SELECT first_cohort AS first, last_cohort AS last, folded_at IS NOT NULL AS "isFolded" FROM rollup_bases
    WHERE version = ${version} AND ${condition}
      AND EXISTS (
        SELECT FROM write_guards WHERE frontier_ms > 0 AND last_cohort < frontier_ms / ${COHORT_MS}
          AND (taken_at IS NULL OR first_cohort < 0 OR first_cohort * ${COHORT_MS} >= horizon_ms)
      )
    ORDER BY first_cohort LIMIT 1 FOR UPDATE SKIP LOCKED`.execute(trx);
  return rows[0] ?? null;
}

/** One statement, so one snapshot: the cursors and the events they cover. */
async function sumUp(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  base: Base,
  runId: bigint | null,
): Promise<bigint> {
  const { version } = definition;
  const inserts = definition.rollups.map((rollup) =>
    base.isFolded
      ? replaceWithTotals(rollup, definition, base)
      : sql`${sql.raw(`into_${rollup}`)} AS (${insertTotals(rollup, definition)})`,
  );
  const { rows } = await sql<{ events: bigint }>`
    WITH seen AS (
      SELECT coalesce(array_agg(source_id ORDER BY source_id), '{}') AS sources,
             coalesce(array_agg(next_offset ORDER BY source_id), '{}') AS offsets
      FROM cursors WHERE next_offset > 0
    ),
    ${inputOfBase(base, sql`true`)},
    ${totalsOf('impression_id', definition)},
    ${sql.join(inserts)}
    UPDATE rollup_bases SET seen_sources = seen.sources, seen_offsets = seen.offsets,
      taken_at = clock_timestamp(), run_id = ${runId},
      events = ${eventsInTotals(definition)}
    FROM seen WHERE version = ${version} AND first_cohort = ${base.first}
    RETURNING events`.execute(trx);
  return rows[0]?.events ?? 0n;
}
