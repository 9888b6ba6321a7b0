import { type Database, readWriteGuards } from '@adtally/db';
import { sql } from 'kysely';
import { aboveHorizon, type CohortRange, isBornSince } from './bases.ts';
import { COHORT_MS, cohortAt, firstIdOf, lastCohortBefore, TIMELESS } from './cohorts.ts';
import { type KeptTimeless, timelessToTakeOver } from './timeless/take-over.ts';
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
  /** What the version cannot see any more of ids without a time, and takes over from another one as that has it. */
  readonly takenOver: KeptTimeless | null;
  /**
   * Impressions born before it (milliseconds since 1970) were purged, and all was asked for: what the version has of them
   * stays as it is, what it lacks is taken over from the promoted version. 0 where nothing of the range was.
   */
  readonly purgedBeforeMs: number;
}

/**
 * What a backfill would work on; changes nothing. Whole cohorts, settled ones only. Without a beginning it is all that can be
 * computed anew.
 *
 * @throws RefusedError where nobody keeps rollups, or nothing is in the range, or events after its beginning were purged
 */
export async function planBackfill(
  db: Database,
  version: number,
  times: TimeRange,
): Promise<BackfillPlan> {
  const { frontierMs, horizonMs } = await readWriteGuards(db);
  if (frontierMs === 0) {
    throw new RefusedError('nobody keeps rollups here yet: start backfill-runner --watch first');
  }
  const wanted = times.by === 'cohort' ? cohortsBorn(times) : await cohortsWithEvents(db, times);
  const settled = lastCohortBefore(frontierMs);
  const range = { first: wanted.first, last: wanted.last < settled ? wanted.last : settled };
  if (range.first > range.last) throw new RefusedError('no settled cohort lies in that range');
  const isWhole = times.by === 'cohort' && times.fromMs === null;
  if (!isWhole) await refusePurged(db, version, range, horizonMs);
  const purgedBeforeMs = isWhole ? horizonMs : 0;
  const counted = await db
    .selectFrom('rollup_bases')
    .select((eb) => [
      eb.fn.countAll<bigint>().as('bases'),
      eb.fn.count<bigint>('taken_at').as('taken'),
      eb
        .selectFrom('events')
        .select(eb.fn.countAll<bigint>().as('events'))
        .where('impression_id', '<', firstIdOf(range.last + 1n))
        .where('impression_id', '>=', firstIdOf(range.first > 0n ? range.first : 0n))
        .as('events'),
    ])
    .where('version', '=', version)
    .where('last_cohort', '>=', range.first)
    .where('first_cohort', '<=', range.last)
    .where(isBornSince('first_cohort', purgedBeforeMs))
    .executeTakeFirstOrThrow();
  return {
    version,
    range,
    bases: Number(counted.bases),
    takenBases: Number(counted.taken),
    events: Number(counted.events),
    takenOver: range.first === TIMELESS ? await timelessToTakeOver(db, version) : null,
    purgedBeforeMs,
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
  const { first, last } = await db
    .selectFrom('rollup_by_campaign')
    .select((eb) => [
      eb.fn.min<bigint | null>('cohort').as('first'),
      eb.fn.max<bigint | null>('cohort').as('last'),
    ])
    // Of ids without a time whose events left nothing can be computed anew.
    .where('cohort', '>=', TIMELESS)
    .where(
      'hour',
      '>',
      sql<Date>`to_timestamp(${(fromMs ?? 0) / 1000}::float8) - interval '1 hour'`,
    )
    .$if(toMs !== null, (query) =>
      query.where('hour', '<', sql<Date>`to_timestamp(${toMs}::float8 / 1000)`),
    )
    .executeTakeFirstOrThrow();
  return { first: first ?? LAST, last: last ?? TIMELESS };
}

/**
 * Looks whether retention has passed a running backfill: bases that it has not done, and that cannot be taken again.
 *
 * @throws RefusedError where there are such; they stay as they are
 */
export async function refusePurgedSince(
  db: Database,
  {
    runId,
    version,
    range,
    purgedBeforeMs,
  }: Pick<BackfillPlan, 'version' | 'range' | 'purgedBeforeMs'> & { readonly runId: bigint },
): Promise<void> {
  const { horizonMs } = await readWriteGuards(db);
  const { left } = await db
    .selectFrom('rollup_bases')
    .select(({ fn }) => fn.countAll<bigint>().as('left'))
    .where('version', '=', version)
    .where('run_id', 'is distinct from', runId)
    .where('taken_at', 'is not', null)
    .where('last_cohort', '>=', range.first)
    .where('first_cohort', '<=', range.last)
    .where('first_cohort', '>=', 0n)
    .where(isBornSince('first_cohort', purgedBeforeMs))
    .where(sql<boolean>`first_cohort * ${COHORT_MS} < ${horizonMs}`)
    .executeTakeFirstOrThrow();
  if (left === 0n) return;
  throw new RefusedError(
    `events born before ${new Date(horizonMs).toISOString()} were purged since it began: ${left} bases stay as they were; begin there or later (--from)`,
  );
}

/** Summing up again what retention took would erase it from the rollups. */
async function refusePurged(
  db: Database,
  version: number,
  range: CohortRange,
  horizonMs: number,
): Promise<void> {
  if (horizonMs === 0) return;
  const timed = { first: range.first < 0n ? 0n : range.first, last: range.last };
  const left = aboveHorizon(timed, horizonMs);
  const cut = await db
    .selectFrom('rollup_bases')
    .select('first_cohort')
    .where('version', '=', version)
    .where('taken_at', 'is not', null)
    .where('first_cohort', '>=', 0n)
    .where('first_cohort', '<', left.first)
    .where('last_cohort', '>=', timed.first)
    .limit(1)
    .executeTakeFirst();
  if (left.first > timed.first || cut !== undefined) {
    throw new RefusedError(
      `events born before ${new Date(horizonMs).toISOString()} were purged: begin there or later (--from)`,
    );
  }
}
