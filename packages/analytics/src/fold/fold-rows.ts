import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { MEASURES } from '../measures.ts';
import { type Rollup, ROLLUPS } from '../rollups.ts';
import { columnsOf, keyOf } from '../totals-sql.ts';
import type { Fold } from './next-fold.ts';

/**
 * Moves a rollup's rows of a fold to the first cohort of its unit, where those of one key become one. All are marked as summed
 * up by day, which a trigger does.
 *
 * @returns by how many the rows became fewer
 */
export async function foldRows(
  trx: DatabaseExecutor,
  rollup: Rollup,
  version: number,
  { unit, others }: Fold,
): Promise<number> {
  const { table } = ROLLUPS[rollup];
  const moved = unit.isFolded ? (others[0] ?? unit).first : unit.first;
  const { last } = others.at(-1) ?? unit;
  const key = keyOf(rollup).slice(2).join(', ');
  const sums = MEASURES.map((name) => `sum(${name})`).join(', ');
  const added = MEASURES.map((name) => `${name} = ${table}.${name} + excluded.${name}`).join(', ');
  await sql`UPDATE ${sql.table(table)} SET in_days = true
    WHERE version = ${version} AND cohort = ${unit.first} AND NOT in_days`.execute(trx);
  // Rows that are in their place stay: so no key is deleted and inserted by one statement.
  const { rows } = await sql<{ n: number }>`
    WITH gone AS (
      DELETE FROM ${sql.table(table)}
      WHERE version = ${version} AND cohort BETWEEN ${moved} AND ${last} AND cohort <> ${unit.first} RETURNING *
    ),
    placed AS (
      INSERT INTO ${sql.table(table)} (${sql.raw(columnsOf(rollup).join(', '))}, in_days)
      SELECT version, ${unit.first}::bigint, ${sql.raw(key)}, ${sql.raw(sums)}, true
      FROM gone GROUP BY version, ${sql.raw(key)} ORDER BY ${sql.raw(key)}
      ON CONFLICT (${sql.raw(keyOf(rollup).join(', '))}) DO UPDATE SET ${sql.raw(added)}
      RETURNING xmax = 0 AS is_new
    )
    SELECT ((SELECT count(*) FROM gone) - (SELECT count(*) FROM placed WHERE is_new))::int AS n`.execute(
    trx,
  );
  return rows[0]?.n ?? 0;
}
