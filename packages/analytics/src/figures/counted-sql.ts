import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { attribution } from '../attribution-sql.ts';
import { isSummedUp, planForBases } from '../base-input.ts';
import { firstIdOf, TIMELESS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { COUNTS } from '../measures.ts';
import type { Period } from '../period.ts';
import { type Asked, isOfCampaign, isWithin } from './asked.ts';

const HOUR_MS = 3_600_000;
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** What is attributed by one statement: events that are asked for, and cohorts. */
const CHUNK_EVENTS = 50_000n;
const CHUNK_COHORTS = 200;

/**
 * The cohorts whose figures the asked ones are made of, in order, so many together as one statement should attribute.
 * The rollups name them: so no event is looked at in vain but those beside the asked ones.
 */
export async function cohortsOf(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
  asked: Asked,
): Promise<bigint[][]> {
  const rows = await trx
    .selectFrom('rollup_by_campaign')
    .select(['cohort', sql<bigint>`sum(${sql.raw(COUNTS.join(' + '))})::bigint`.as('events')])
    .where('version', '=', version)
    .where(isWithin('hour', wholeHours(asked.period)))
    .where(isOfCampaign(asked))
    .groupBy('cohort')
    .orderBy('cohort')
    .execute();
  const chunks: bigint[][] = [];
  let [chunk, events] = [[] as bigint[], 0n];
  for (const row of rows) {
    if (chunk.length === CHUNK_COHORTS || (chunk.length > 0 && events >= CHUNK_EVENTS)) {
      chunks.push(chunk);
      [chunk, events] = [[], 0n];
    }
    chunk.push(row.cohort);
    events += row.events;
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk];
}

/** The common table expressions down to `attributed`, identified, of the events that a version counts in these cohorts. */
export function countedEvents(
  definition: RollupDefinition,
  cohorts: readonly bigint[],
): RawBuilder<unknown> {
  const firsts = cohorts.map((cohort) => (cohort === TIMELESS ? FIRST_ID : firstIdOf(cohort)));
  const lasts = cohorts.map((cohort) => (cohort === TIMELESS ? LAST_ID : firstIdOf(cohort + 1n)));
  return sql`
    wanted AS MATERIALIZED (
      SELECT asked.*, b.seen_sources, b.seen_offsets, p.applied_sources, p.applied_offsets
      FROM unnest(${[...cohorts]}::bigint[], ${firsts}::uuid[], ${lasts}::uuid[]) AS asked (cohort, first_id, last_id)
      CROSS JOIN rollup_progress p
      CROSS JOIN LATERAL (
        SELECT * FROM rollup_bases b WHERE b.version = ${definition.version} AND b.first_cohort <= asked.cohort
        ORDER BY b.first_cohort DESC LIMIT 1
      ) b
      WHERE b.last_cohort >= asked.cohort AND b.taken_at IS NOT NULL
    ),
    input AS MATERIALIZED (
      SELECT e.*, wanted.cohort, 1 AS sign
      FROM wanted CROSS JOIN LATERAL (
        SELECT * FROM events WHERE impression_id >= wanted.first_id AND impression_id <= wanted.last_id OFFSET 0
      ) e
      WHERE rollup_cohort(e.impression_id) = wanted.cohort AND ${sql.raw(isSummedUp('wanted', 'wanted'))}
    ),
    companions AS NOT MATERIALIZED (SELECT * FROM input),
    ${attribution('impression_id', definition, 'identified')}`;
}

/** As for bases: hash joins, and walks along the key where only these are left. */
export async function planForCounted(
  trx: DatabaseExecutor,
  cohorts: readonly bigint[],
): Promise<void> {
  const [first = TIMELESS, last = first] = [cohorts[0], cohorts.at(-1)];
  await planForBases(trx, { first, last });
}

/** The whole hours of UTC that a period touches. */
function wholeHours({ fromMs, toMs }: Period): Pick<Period, 'fromMs' | 'toMs'> {
  return {
    fromMs: Math.floor(fromMs / HOUR_MS) * HOUR_MS,
    toMs: Math.ceil(toMs / HOUR_MS) * HOUR_MS,
  };
}
