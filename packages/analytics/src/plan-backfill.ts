import type { Database } from '@adtally/db';
import { sql } from 'kysely';
import { aboveHorizon, type CohortRange } from './bases.ts';
import { cohortAt, firstIdOf, lastCohortBefore, TIMELESS } from './cohorts.ts';
import { readFrontierMs } from './frontier.ts';
import { RefusedError } from './versions.ts';

/** Half-open, milliseconds since 1970; null = without a bound. */
export interface TimeRange {
  readonly fromMs: number | null;
  readonly toMs: number | null;
  /**
   * - `cohort`: by when impressions were born
   * - `event-time`: by when events occurred, as the rollups kept so far know it
   */
  readonly by: 'cohort' | 'event-time';
}

export interface BackfillPlan {
  readonly version: number;
  /** Begins with TIMELESS where the ids without a time are in it too. */
  readonly range: CohortRange;
  /** Bases of the version in that range that are there, and how many of them are taken. */
  readonly bases: number;
  readonly takenBases: number;
  readonly events: number;
}

/**
 * What a backfill would work on; changes nothing. Whole cohorts, settled ones only.
 *
 * @throws RefusedError where nobody keeps rollups, or nothing is in the range, or events of it were purged
 */
export async function planBackfill(
  db: Database,
  version: number,
  times: TimeRange,
): Promise<BackfillPlan> {
  const frontierMs = await readFrontierMs(db);
  if (frontierMs === 0) {
    throw new RefusedError('nobody keeps rollups here yet: start backfill-runner --watch first');
  }
  const wanted = times.by === 'cohort' ? cohortsBorn(times) : await cohortsWithEvents(db, times);
  const settled = lastCohortBefore(frontierMs);
  const range = { first: wanted.first, last: wanted.last < settled ? wanted.last : settled };
  if (range.first > range.last) throw new RefusedError('no settled cohort lies in that range');
  await refusePurged(db, version, range);
  const { rows } = await sql<{ bases: bigint; taken: bigint; events: bigint }>`
    SELECT count(*) AS bases, count(taken_at) AS taken, (
      SELECT count(*) FROM events WHERE impression_id < ${firstIdOf(range.last + 1n)}::uuid
        AND impression_id >= ${firstIdOf(range.first > 0n ? range.first : 0n)}::uuid
    ) AS events
    FROM rollup_bases WHERE version = ${version}
      AND last_cohort >= ${range.first} AND first_cohort <= ${range.last}`.execute(db);
  const [row] = rows;
  return {
    version,
    range,
    bases: Number(row?.bases ?? 0),
    takenBases: Number(row?.taken ?? 0),
    events: Number(row?.events ?? 0),
  };
}

const LAST = 2n ** 40n;

function cohortsBorn({ fromMs, toMs }: TimeRange): CohortRange {
  return {
    first: fromMs === null ? TIMELESS : cohortAt(fromMs),
    last: toMs === null ? LAST : cohortAt(toMs - 1),
  };
}

/** From the first to the last cohort of which some version has an event that occurred then. */
async function cohortsWithEvents(db: Database, { fromMs, toMs }: TimeRange): Promise<CohortRange> {
  const { rows } = await sql<{ first: bigint | null; last: bigint | null }>`
    SELECT min(cohort) AS first, max(cohort) AS last FROM rollup_by_campaign
    WHERE hour > to_timestamp(${(fromMs ?? 0) / 1000}::float8) - interval '1 hour'
      AND (${toMs}::float8 IS NULL OR hour < to_timestamp(${toMs}::float8 / 1000))`.execute(db);
  return { first: rows[0]?.first ?? LAST, last: rows[0]?.last ?? TIMELESS };
}

/** Summing up again what retention took would erase it from the rollups. */
async function refusePurged(db: Database, version: number, range: CohortRange): Promise<void> {
  const { rows } = await sql<{ horizon_ms: bigint }>`SELECT horizon_ms FROM write_guards`.execute(
    db,
  );
  const horizonMs = Number(rows[0]?.horizon_ms ?? 0);
  if (horizonMs === 0) return;
  const timed = { first: range.first < 0n ? 0n : range.first, last: range.last };
  const left = aboveHorizon(timed, horizonMs);
  const cut = await sql`
    SELECT FROM rollup_bases WHERE version = ${version} AND taken_at IS NOT NULL AND first_cohort >= 0
      AND first_cohort < ${left.first} AND last_cohort >= ${timed.first}`.execute(db);
  if (left.first > timed.first || cut.rows.length > 0) {
    throw new RefusedError(
      `events born before ${new Date(horizonMs).toISOString()} were purged: begin there or later (--from)`,
    );
  }
}
