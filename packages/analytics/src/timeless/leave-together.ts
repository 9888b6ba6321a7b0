import {
  type DatabaseExecutor,
  isOldEnough,
  purgeTimeless,
  type TimelessPass,
  type Wait,
} from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { addToRollups } from '../add-to-rollups.ts';
import { eventColumns } from '../attribution-sql.ts';
import { isSummedUp } from '../base-input.ts';
import { PURGED_TIMELESS, TIMELESS } from '../cohorts.ts';
import { readDefinitions, type RollupDefinition } from '../definitions.ts';
import { whileNoneLeave } from './take-over.ts';

const WORK_MEMORY = '64MB';

/**
 * Lets impressions without a time leave, each with all its events, in the caller's transaction: what they came to moves
 * from the base of such ids to rows that are kept (PURGED_TIMELESS), for every version that has that base; the events go
 * and the ledger is told. So that base is at each moment what the events come to that are there, and reports, which sum up
 * both, do not change.
 *
 * One of which an event is not summed up yet stays: what is summed up later is a difference to events that are there. One
 * that gets an event meanwhile may leave all the same: the event is noted, and what it comes to alone is added later.
 *
 * @returns how many events left, or why none can
 */
export async function leaveTogether(
  trx: DatabaseExecutor,
  pass: TimelessPass,
  candidates: readonly string[],
): Promise<bigint | Wait> {
  await whileNoneLeave(trx, 'to let some leave');
  // As when late impressions are applied: who computes the base, or adds to it, meets us here.
  const bases = await trx
    .selectFrom('rollup_bases')
    .select(['version', 'taken_at'])
    .where('first_cohort', '=', TIMELESS)
    .orderBy('version')
    .forUpdate()
    .execute();
  const untaken = bases.find((base) => base.taken_at === null);
  if (untaken !== undefined) {
    return {
      for: 'rollups',
      detail: `version ${untaken.version} has not summed up the ids without a time yet`,
    };
  }
  await sql`SET LOCAL jit = off; SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)};
    SET LOCAL enable_seqscan = off; SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off`.execute(
    trx,
  );
  const { impressionIds, events } = await summedUp(trx, pass, candidates);
  if (events === 0n) return 0n;
  const versions = new Set(bases.map(({ version }) => version));
  for (const definition of await readDefinitions(trx)) {
    if (!versions.has(definition.version)) continue;
    await addToRollups(trx, definition, inputOf(definition, pass, impressionIds));
  }
  await sql`SET LOCAL enable_nestloop TO DEFAULT`.execute(trx);
  await purgeTimeless(trx, pass, impressionIds, events);
  return events;
}

/**
 * Those of which the pass may take every event, and every version counts it. Under the bases' locks: none that came since
 * they were found is summed up unseen.
 */
async function summedUp(
  trx: DatabaseExecutor,
  pass: TimelessPass,
  candidates: readonly string[],
): Promise<{ readonly impressionIds: readonly string[]; readonly events: bigint }> {
  const { rows } = await sql<{ ids: string[]; events: bigint }>`
    WITH looked AS MATERIALIZED (
      SELECT e.impression_id, count(*) AS events, bool_and(${isOldEnough(pass)} AND NOT EXISTS (
               SELECT FROM rollup_bases b CROSS JOIN rollup_progress p
               WHERE b.first_cohort = ${TIMELESS}::bigint AND NOT ${sql.raw(isSummedUp('b', 'p'))}
             )) AS may_leave
      FROM ${eventsOf(sql`*`, candidates)} WHERE rollup_cohort(e.impression_id) < 0
      GROUP BY 1
    )
    SELECT coalesce(array_agg(impression_id), '{}') AS ids, coalesce(sum(events), 0)::bigint AS events
    FROM looked WHERE may_leave`.execute(trx);
  const [found] = rows;
  if (found === undefined) throw new Error('what may leave was not told');
  return { impressionIds: found.ids, events: found.events };
}

/** What leaves: taken away where it was counted, added to what is kept. */
function inputOf(
  { rollups }: RollupDefinition,
  pass: TimelessPass,
  impressionIds: readonly string[],
): RawBuilder<unknown> {
  return sql`
    companions AS MATERIALIZED (
      SELECT e.*, side.cohort, side.sign
      FROM ${eventsOf(eventColumns(rollups), impressionIds)}
      CROSS JOIN (VALUES (${TIMELESS}::bigint, -1), (${PURGED_TIMELESS}::bigint, 1)) side (cohort, sign)
      WHERE ${isOldEnough(pass)}
    ),
    input AS (SELECT * FROM companions)`;
}

/** The events `e` of these impressions, by look-ups of the key. */
function eventsOf(
  columns: RawBuilder<unknown>,
  impressionIds: readonly string[],
): RawBuilder<unknown> {
  return sql`unnest(${impressionIds}::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (SELECT ${columns} FROM events WHERE impression_id = wanted.id OFFSET 0) e`;
}
