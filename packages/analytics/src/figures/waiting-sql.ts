import type { DatabaseExecutor } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import { isSummedUp } from '../base-input.ts';
import { firstIdOf, TIMELESS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { type Asked, isOfCampaign, isOfType, isWithin } from './asked.ts';
import { LAST_ID } from './counted-sql.ts';

/** The cohorts that no base of a version has summed up. */
export interface Uncounted {
  readonly firstIds: readonly string[];
  readonly endIds: readonly string[];
  /** Whether the ids without a time are among them. */
  readonly isTimelessToo: boolean;
}

export async function readUncounted(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
): Promise<Uncounted> {
  const { rows } = await sql<{ first: bigint; end: bigint | null }>`
    SELECT lower(hole) AS first, upper(hole) AS end
    FROM unnest(int8multirange(int8range(${TIMELESS}, NULL)) - coalesce(
      (SELECT range_agg(int8range(first_cohort, last_cohort, '[]')) FROM rollup_bases
       WHERE version = ${version} AND taken_at IS NOT NULL), '{}')) hole
    ORDER BY 1`.execute(trx);
  const timed = rows.filter(({ end }) => end === null || end > 0n);
  return {
    firstIds: timed.map(({ first }) => firstIdOf(first < 0n ? 0n : first)),
    endIds: timed.map(({ end }) => (end === null ? LAST_ID : firstIdOf(end))),
    isTimelessToo: rows.some(({ first }) => first === TIMELESS),
  };
}

/**
 * The stored events that a version does not count yet, of what is asked, with all columns of `events`: of cohorts that
 * are not summed up, and late ones that are noted. By their own campaign: nobody knows yet who earns them.
 */
export function waitingEvents(
  { version }: RollupDefinition,
  { firstIds, endIds, isTimelessToo }: Uncounted,
  asked: Asked,
): RawBuilder<unknown> {
  const isAsked = sql`${isWithin('occurred_at', asked.period)} AND ${isOfCampaign(asked)} AND ${isOfType(asked)}`;
  const timeless = isTimelessToo
    ? sql`UNION ALL SELECT e.* FROM events e WHERE rollup_cohort(e.impression_id) = ${TIMELESS}::bigint AND ${isAsked}`
    : sql``;
  return sql`
    SELECT e.* FROM unnest(${[...firstIds]}::uuid[], ${[...endIds]}::uuid[]) AS hole (first_id, end_id)
    CROSS JOIN LATERAL (
      SELECT * FROM events WHERE impression_id >= hole.first_id AND impression_id < hole.end_id AND ${isAsked} OFFSET 0
    ) e
    WHERE rollup_cohort(e.impression_id) >= 0
    ${timeless}
    UNION ALL
    SELECT e.* FROM (SELECT DISTINCT unnest(impression_ids) AS impression_id FROM late_notes) noted
    CROSS JOIN rollup_progress p
    CROSS JOIN LATERAL (
      SELECT * FROM rollup_bases b WHERE b.version = ${version} AND b.first_cohort <= rollup_cohort(noted.impression_id)
      ORDER BY b.first_cohort DESC LIMIT 1
    ) b
    CROSS JOIN LATERAL (
      SELECT * FROM events WHERE impression_id = noted.impression_id AND ${isAsked} OFFSET 0
    ) e
    WHERE b.last_cohort >= rollup_cohort(noted.impression_id) AND b.taken_at IS NOT NULL
      AND NOT ${sql.raw(isSummedUp('b', 'p'))}`;
}
