import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { attribution } from '../attribution-sql.ts';
import { isSummedUp, planAsEver, planForBases } from '../base-input.ts';
import { firstIdOf, TIMELESS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { COUNTS } from '../measures.ts';
import type { Period } from '../period.ts';
import { type Asked, isOfCampaign, isWithin } from './asked.ts';

const HOUR_MS = 3_600_000;
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** What is attributed by one statement: all events of its cohorts, of whichever campaign, since all have to be looked at. */
const CHUNK_EVENTS = 200_000n;
const CHUNK_COHORTS = 200;

interface CohortSize {
  readonly cohort: bigint;
  /** That the version counts, of all campaigns. */
  readonly events: bigint;
}

/**
 * The cohorts whose figures the asked ones are made of, in order, so many together as one statement should attribute.
 * The rollups name them: so no event is looked at in vain but those beside the asked ones.
 */
export async function cohortsOf(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
  asked: Asked,
): Promise<bigint[][]> {
  const { rows } = await sql<CohortSize>`
    SELECT asked.cohort, (
      SELECT sum(${sql.raw(COUNTS.join(' + '))})::bigint FROM rollup_by_campaign r
      WHERE r.version = ${version} AND r.cohort = asked.cohort
    ) AS events
    FROM (
      SELECT DISTINCT cohort FROM rollup_by_campaign
      WHERE version = ${version} AND ${isWithin('hour', wholeHours(asked.period))} AND ${isOfCampaign(asked)}
    ) asked
    ORDER BY asked.cohort`.execute(trx);
  return chunksOf(rows);
}

/** Cuts cohorts into parts. One is never cut; the ids without a time are one alone, since all events are read for them. */
export function chunksOf(sizes: readonly CohortSize[]): bigint[][] {
  const chunks: bigint[][] = [];
  let held = 0n;
  for (const { cohort, events } of sizes) {
    const chunk = chunks.at(-1);
    const hasRoom =
      chunk !== undefined &&
      chunk[0] !== TIMELESS &&
      chunk.length < CHUNK_COHORTS &&
      held + events <= CHUNK_EVENTS;
    if (hasRoom) chunk.push(cohort);
    else chunks.push([cohort]);
    held = hasRoom ? held + events : events;
  }
  return chunks;
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

/**
 * Reads counted events of these cohorts, planned as bases are: hash joins, and walks along the key where only these are
 * left. What the transaction reads after it is planned as ever.
 */
export async function readingCounted<T>(
  trx: DatabaseExecutor,
  cohorts: readonly bigint[],
  read: () => Promise<T>,
): Promise<T> {
  const [first = TIMELESS, last = first] = [cohorts[0], cohorts.at(-1)];
  await planForBases(trx, { first, last });
  const result = await read();
  await planAsEver(trx);
  return result;
}

/** The whole hours of UTC that a period touches. */
function wholeHours({ fromMs, toMs }: Period): Pick<Period, 'fromMs' | 'toMs'> {
  return {
    fromMs: Math.floor(fromMs / HOUR_MS) * HOUR_MS,
    toMs: Math.ceil(toMs / HOUR_MS) * HOUR_MS,
  };
}
