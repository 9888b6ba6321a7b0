import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import type { RollupDefinition } from './definitions.ts';
import { type Rollup, ROLLUPS } from './rollups.ts';
import { addTotals, totalsOf } from './totals-sql.ts';

/**
 * Adds what events come to to the rows of a version that are there.
 *
 * @param input the relations `input` and `companions` (see `attribution`), each event with its sign
 */
export async function addToRollups(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  input: RawBuilder<unknown>,
): Promise<void> {
  const { rollups } = definition;
  const adds = rollups.map(
    (rollup) => sql`${sql.raw(`into_${rollup}`)} AS (${addTotals(rollup, definition)})`,
  );
  const empties = rollups.map(
    (rollup) => sql`SELECT rollup, row::text FROM ${sql.raw(`into_${rollup}`)} WHERE is_empty`,
  );
  const { rows } = await sql<{ rollup: Rollup; row: string }>`
    WITH ${input},
    ${totalsOf('impression_id, sign', definition)},
    ${sql.join(adds)}
    ${sql.join(empties, sql` UNION ALL `)}`.execute(trx);
  // No row means zero, as after a recompute.
  for (const [rollup, group] of Map.groupBy(rows, (empty) => empty.rollup)) {
    await sql`DELETE FROM ${sql.table(ROLLUPS[rollup].table)}
      WHERE ctid = ANY (${group.map(({ row }) => row)}::tid[])`.execute(trx);
  }
}
