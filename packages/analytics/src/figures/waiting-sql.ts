import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { isSummedUp } from '../base-input.ts';
import { firstIdOf, TIMELESS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { type Asked, isOfCampaign, isOfType, isWithin } from './asked.ts';
import { LAST_ID } from './counted-sql.ts';

/** From an id on, to one that is not included. */
interface IdRange {
  readonly first: string;
  readonly end: string;
}

/** What no base of a version has summed up. */
export interface Uncounted {
  /** The cohorts without a base. */
  readonly holes: readonly IdRange[];
  /** Within which the ids of all noted impressions lie; null where no note waits. */
  readonly noted: { readonly first: string; readonly last: string } | null;
  /** Whether the ids without a time are among them. */
  readonly isTimelessToo: boolean;
}

export async function readUncounted(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
): Promise<Uncounted> {
  const { rows } = await sql<{
    first: bigint;
    end: bigint | null;
    firstNoted: string | null;
    lastNoted: string | null;
  }>`
    SELECT lower(hole) AS first, upper(hole) AS end, "firstNoted", "lastNoted"
    FROM (SELECT min(id::text COLLATE "C") AS "firstNoted", max(id::text COLLATE "C") AS "lastNoted"
          FROM late_notes CROSS JOIN LATERAL unnest(impression_ids) id) noted, unnest(int8multirange(int8range(${TIMELESS}, NULL)) - coalesce(
      (SELECT range_agg(int8range(first_cohort, last_cohort, '[]')) FROM rollup_bases
       WHERE version = ${version} AND taken_at IS NOT NULL), '{}')) hole
    ORDER BY 1`.execute(trx);
  const timed = rows.filter(({ end }) => end === null || end > 0n);
  const { firstNoted = null, lastNoted = null } = rows[0] ?? {};
  return {
    holes: timed.map(({ first, end }) => ({
      first: firstIdOf(first < 0n ? 0n : first),
      end: end === null ? LAST_ID : firstIdOf(end),
    })),
    noted:
      firstNoted === null || lastNoted === null ? null : { first: firstNoted, last: lastNoted },
    isTimelessToo: rows.some(({ first }) => first === TIMELESS),
  };
}

/** More ranges than a statement should name. */
const HOLES_MAX = 16;

/**
 * The stored events that a version does not count yet, of what is asked, with all columns of `events`: of cohorts that
 * are not summed up, and late ones that are noted. By their own campaign: nobody knows yet who earns them.
 *
 * Ranges of ids are named, so that the planner looks at the days that have them and no others: to plan a look at each of
 * 400 takes longer than a report.
 */
export function waitingEvents(
  { version }: RollupDefinition,
  { holes, noted, isTimelessToo }: Uncounted,
  asked: Asked,
): RawBuilder<unknown> {
  const isAsked = sql`${isWithin('occurred_at', asked.period)} AND ${isOfCampaign(asked)} AND ${isOfType(asked)}`;
  const parts = [
    ...(holes.length > HOLES_MAX
      ? [inManyHoles(holes, isAsked)]
      : holes.map((hole) => inHole(hole, isAsked))),
    ...(noted === null ? [] : [notedEvents(version, noted, isAsked)]),
    ...(isTimelessToo
      ? [
          sql`SELECT e.* FROM events e WHERE rollup_cohort(e.impression_id) = ${TIMELESS}::bigint AND ${isAsked}`,
        ]
      : []),
  ];
  return sql.join(parts, sql` UNION ALL `);
}

function inHole({ first, end }: IdRange, isAsked: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`SELECT e.* FROM (
      SELECT * FROM events WHERE impression_id >= ${first}::uuid AND impression_id < ${end}::uuid AND ${isAsked} OFFSET 0
    ) e
    WHERE rollup_cohort(e.impression_id) >= 0`;
}

function inManyHoles(holes: readonly IdRange[], isAsked: RawBuilder<unknown>): RawBuilder<unknown> {
  const [firsts, ends] = [holes.map(({ first }) => first), holes.map(({ end }) => end)];
  return sql`SELECT e.* FROM unnest(${firsts}::uuid[], ${ends}::uuid[]) AS hole (first_id, end_id)
    CROSS JOIN LATERAL (
      SELECT * FROM events WHERE impression_id >= hole.first_id AND impression_id < hole.end_id AND ${isAsked} OFFSET 0
    ) e
    WHERE rollup_cohort(e.impression_id) >= 0`;
}

function notedEvents(
  version: number,
  { first, last }: NonNullable<Uncounted['noted']>,
  isAsked: RawBuilder<unknown>,
): RawBuilder<unknown> {
  return sql`
    SELECT e.* FROM (SELECT DISTINCT unnest(impression_ids) AS impression_id FROM late_notes) noted
    CROSS JOIN rollup_progress p
    CROSS JOIN LATERAL (
      SELECT * FROM rollup_bases b WHERE b.version = ${version} AND b.first_cohort <= rollup_cohort(noted.impression_id)
      ORDER BY b.first_cohort DESC LIMIT 1
    ) b
    CROSS JOIN LATERAL (
      SELECT * FROM events WHERE impression_id = noted.impression_id
        AND impression_id BETWEEN ${first}::uuid AND ${last}::uuid AND ${isAsked} OFFSET 0
    ) e
    WHERE b.last_cohort >= rollup_cohort(noted.impression_id) AND b.taken_at IS NOT NULL
      AND NOT ${sql.raw(isSummedUp('b', 'p'))}`;
}
