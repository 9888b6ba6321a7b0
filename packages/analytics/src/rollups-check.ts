import {
  type AuditOffence,
  type DatabaseExecutor,
  type ExtraCheck,
  readWriteGuards,
} from '@adtally/db';
import { sql } from 'kysely';
import { inputOfBase, planForBases } from './base-input.ts';
import type { CohortRange } from './bases.ts';
import { COHORT_MS, cohortStartMs } from './cohorts.ts';
import { readDefinitions, type RollupDefinition } from './definitions.ts';
import { type Rollup, ROLLUPS } from './measures.ts';
import { columnsOf, selectTotals, totalsOf } from './totals-sql.ts';

export interface RollupsCheckOptions {
  /** Every base, that of the ids without a time too; else some of each version, chosen by chance. */
  readonly full: boolean;
}

const NAMES = Object.keys(ROLLUPS) as Rollup[];
const SAMPLED_BASES = 20;

/**
 * I11 for the audit: the rollups of a base are those that its events come to, summed up anew from the
 * events it has seen and had applied. Exact while writers and worker go on, since all is one snapshot.
 * Bases whose events retention took cannot be checked.
 */
export function rollupsCheck(options: RollupsCheckOptions): ExtraCheck {
  return {
    id: 'rollups',
    name: options.full
      ? 'every rollup is what its events come to'
      : 'rollups are what their events come to (a sample of each version)',
    async run(trx) {
      const offences: AuditOffence[] = [];
      for (const definition of await readDefinitions(trx)) {
        for (const base of await basesToCheck(trx, definition.version, options)) {
          const rows = await differingRows(trx, definition, base);
          if (rows > 0n) offences.push(offenceOf(definition, base, rows));
        }
      }
      return offences;
    },
  };
}

async function basesToCheck(
  trx: DatabaseExecutor,
  version: number,
  { full }: RollupsCheckOptions,
): Promise<CohortRange[]> {
  const { horizonMs } = await readWriteGuards(trx);
  const checkable = trx
    .selectFrom('rollup_bases')
    .select(['first_cohort as first', 'last_cohort as last'])
    .where('version', '=', version)
    .where('taken_at', 'is not', null)
    .where(sql<boolean>`(first_cohort < 0 OR first_cohort * ${COHORT_MS} >= ${horizonMs})`);
  if (full) return await checkable.orderBy('first_cohort').execute();
  const timed = checkable.where('first_cohort', '>=', 0n);
  return await timed
    .orderBy(sql`random()`)
    .limit(SAMPLED_BASES)
    .execute();
}

/** Rows of the three rollups that are not as they should be, or are missing. */
async function differingRows(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  base: CohortRange,
): Promise<bigint> {
  const { version } = definition;
  await planForBases(trx, base);
  const compared = NAMES.map((rollup) => {
    const actual = sql`SELECT ${sql.raw(columnsOf(rollup).join(', '))} FROM ${sql.table(ROLLUPS[rollup].table)}
      WHERE version = ${version} AND cohort BETWEEN ${base.first} AND ${base.last}`;
    const expected = selectTotals(rollup, version);
    return sql`SELECT count(*) AS n FROM (
      (${actual} EXCEPT ALL (${expected})) UNION ALL ((${expected}) EXCEPT ALL ${actual})) differing`;
  });
  const counted = sql`(e.source_offset < greatest(
    coalesce(seen.seen_offsets[array_position(seen.seen_sources, e.source_id)], 0),
    coalesce(seen.applied_offsets[array_position(seen.applied_sources, e.source_id)], 0)))`;
  const { rows } = await sql<{ n: bigint }>`
    WITH seen AS MATERIALIZED (
      SELECT b.seen_sources, b.seen_offsets, p.applied_sources, p.applied_offsets
      FROM rollup_bases b, rollup_progress p WHERE version = ${version} AND first_cohort = ${base.first}
    ),
    ${inputOfBase(base, sql`(SELECT ${counted} FROM seen)`)},
    ${totalsOf('impression_id', definition)}
    SELECT sum(n)::bigint AS n FROM (${sql.join(compared, sql` UNION ALL `)}) each`.execute(trx);
  return rows[0]?.n ?? 0n;
}

function offenceOf(
  { version }: RollupDefinition,
  { first, last }: CohortRange,
  rows: bigint,
): AuditOffence {
  const when =
    first < 0n
      ? 'ids without a time'
      : `impressions born from ${new Date(cohortStartMs(first)).toISOString()} to ${new Date(cohortStartMs(last + 1n)).toISOString()}`;
  return {
    source: null,
    detail: `version ${version}, ${when}: ${rows} rows differ from a recompute`,
    firstOffset: null,
    endOffset: null,
  };
}
