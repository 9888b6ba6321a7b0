import { type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { attribution } from '../attribution-sql.ts';
import { isSummedUp, planAsEver, planForBases } from '../base-input.ts';
import { type CohortRange, isTimeless } from '../bases.ts';
import { cohortStartMs, firstIdOf, PURGED_TIMELESS, TIMELESS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { COUNTS } from '../measures.ts';
import type { Period } from '../period.ts';
import { RefusedError } from '../versions.ts';
import { daysThatLeft } from '../purged.ts';
import { type Asked, isOfCampaign } from './asked.ts';
import { isOfHoursIn } from './kept-rows.ts';
import { otherRulesIn } from './taken-over-figures.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
export const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
/** What is attributed by one statement: all events of its cohorts, of whichever campaign, since all have to be looked at. */
const CHUNK_EVENTS = 200_000n;
const CHUNK_RANGES = 200;

interface Counted extends CohortRange {
  /** That the version counts, of all campaigns. */
  readonly events: bigint;
}

/**
 * The cohorts whose figures the asked ones are made of, in order, so many together as one statement should attribute.
 * The rollups name them: so no event is looked at in vain but those beside the asked ones, and those of the other cohorts of
 * a folded base.
 *
 * @throws RefusedError where events of theirs left and did not come back from their archive, or the figures are by other rules
 */
export async function cohortsOf(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked,
): Promise<CohortRange[][]> {
  const { version } = definition;
  const hours = wholeHours(asked.period);
  const { rows } = await sql<Counted>`
    SELECT asked.cohort AS first, coalesce((
      SELECT last_cohort FROM rollup_bases b
      WHERE b.version = ${version} AND b.first_cohort = asked.cohort AND b.folded_at IS NOT NULL
    ), asked.cohort) AS last, (
      SELECT sum(${sql.raw(COUNTS.join(' + '))})::bigint FROM rollup_by_campaign r
      WHERE r.version = ${version} AND r.cohort = asked.cohort
    ) AS events
    FROM (${sql.join(
      [sql`in_days`, sql`NOT in_days`].map(
        (marked) => sql`
          SELECT cohort FROM rollup_by_campaign WHERE version = ${version} AND ${marked}
            AND ${isOfHoursIn(hours)} AND ${isOfCampaign(asked)}`,
      ),
      sql` UNION `,
    )}) asked
    ORDER BY asked.cohort`.execute(trx);
  const [other] = await otherRulesIn(trx, definition, { ...asked, period: hours });
  if (other !== undefined) {
    throw new RefusedError(
      `some of these events were summed up by the rules of version ${other} before they were purged: version ${version} has their sums, and what it would make of the events is something else`,
    );
  }
  const left = await daysThatLeft(trx);
  const isGone = ({ first, last }: CohortRange): boolean =>
    first >= 0n &&
    left.some((day) => cohortStartMs(first) < day + DAY_MS && cohortStartMs(last + 1n) > day);
  if (rows.some(({ first }) => first === PURGED_TIMELESS)) {
    throw new RefusedError(
      'events of that time whose ids are no UUIDv7 left by TIMELESS_RETENTION_DAYS: what is left of them are sums by whole hours of UTC',
    );
  }
  if (rows.some(isGone)) {
    const { horizonMs } = await readWriteGuards(trx);
    throw new RefusedError(
      `events of impressions born before ${new Date(horizonMs).toISOString()} were purged: what is left of them are sums by whole hours of UTC`,
    );
  }
  return chunksOf(rows);
}

/**
 * Cuts cohorts into parts. One is never cut; those of a folded base are, as if its events were spread evenly. The ids
 * without a time are one alone, since all events are read for them.
 */
export function chunksOf(counted: readonly Counted[]): CohortRange[][] {
  const chunks: CohortRange[][] = [];
  let held = 0n;
  for (const { first, last, events } of counted.flatMap(piecesOf)) {
    const chunk = chunks.at(-1);
    const hasRoom =
      chunk?.[0] !== undefined &&
      chunk[0].first !== TIMELESS &&
      chunk.length < CHUNK_RANGES &&
      held + events <= CHUNK_EVENTS;
    if (hasRoom) chunk.push({ first, last });
    else chunks.push([{ first, last }]);
    held = hasRoom ? held + events : events;
  }
  return chunks;
}

function piecesOf({ first, last, events }: Counted): Counted[] {
  const cohorts = last - first + 1n;
  const wanted = [(events + CHUNK_EVENTS - 1n) / CHUNK_EVENTS, 1n].reduce((a, b) =>
    a > b ? a : b,
  );
  const pieces = wanted < cohorts ? wanted : cohorts;
  return Array.from({ length: Number(pieces) }, (_, index) => {
    const at = BigInt(index);
    return {
      first: first + (cohorts * at) / pieces,
      last: first + (cohorts * (at + 1n)) / pieces - 1n,
      events: events / pieces,
    };
  });
}

/**
 * The common table expressions down to `attributed`, identified, of the events that a version counts in these cohorts.
 *
 * @param stored where the events lie (`storedEvents`)
 */
export function countedEvents(
  definition: RollupDefinition,
  cohorts: readonly CohortRange[],
  stored: RawBuilder<unknown>,
): RawBuilder<unknown> {
  const firsts = cohorts.map(({ first }) => first);
  const lasts = cohorts.map(({ last }) => last);
  const firstIds = cohorts.map((range) => (isTimeless(range) ? FIRST_ID : firstIdOf(range.first)));
  const lastIds = cohorts.map((range) =>
    isTimeless(range) ? LAST_ID : firstIdOf(range.last + 1n),
  );
  return sql`
    wanted AS MATERIALIZED (
      SELECT asked.*, b.seen_sources, b.seen_offsets, p.applied_sources, p.applied_offsets
      FROM unnest(${firsts}::bigint[], ${lasts}::bigint[], ${firstIds}::uuid[], ${lastIds}::uuid[])
        AS asked (first, last, first_id, last_id)
      CROSS JOIN rollup_progress p
      CROSS JOIN LATERAL (
        SELECT * FROM rollup_bases b WHERE b.version = ${definition.version} AND b.first_cohort <= asked.first
        ORDER BY b.first_cohort DESC LIMIT 1
      ) b
      WHERE b.last_cohort >= asked.last AND b.taken_at IS NOT NULL
    ),
    input AS MATERIALIZED (
      SELECT e.*, wanted.first AS cohort, 1 AS sign
      FROM wanted CROSS JOIN LATERAL (
        SELECT * FROM ${stored} stored WHERE impression_id >= wanted.first_id AND impression_id <= wanted.last_id OFFSET 0
      ) e
      WHERE rollup_cohort(e.impression_id) BETWEEN wanted.first AND wanted.last AND ${sql.raw(isSummedUp('wanted', 'wanted'))}
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
  cohorts: readonly CohortRange[],
  read: () => Promise<T>,
): Promise<T> {
  const { first } = cohorts[0] ?? { first: TIMELESS };
  await planForBases(trx, { first, last: (cohorts.at(-1) ?? { last: first }).last });
  const result = await read();
  await planAsEver(trx);
  return result;
}

/** The whole hours of UTC that a period touches. */
function wholeHours({ fromMs, toMs, timeZone }: Period): Period {
  return {
    timeZone,
    fromMs: Math.floor(fromMs / HOUR_MS) * HOUR_MS,
    toMs: Math.ceil(toMs / HOUR_MS) * HOUR_MS,
  };
}
