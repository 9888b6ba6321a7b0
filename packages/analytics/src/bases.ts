import { type Database, type DatabaseExecutor, readWriteGuards } from '@adtally/db';
import { type RawBuilder, sql } from 'kysely';
import {
  COHORT_MS,
  cohortAt,
  cohortStartMs,
  firstIdOf,
  lastCohortBefore,
  TIMELESS,
} from './cohorts.ts';

export const COHORTS_PER_DAY = BigInt(86_400_000 / COHORT_MS);

/** How claims are cut. */
export interface ClaimSize {
  /** Most bases claimed in one transaction. */
  readonly maxBases: number;
  /** A base is cut where it would hold more rows than this; one cohort is never cut. */
  readonly baseRows: number;
}

/** Cohorts, both ends included. */
export interface CohortRange {
  readonly first: bigint;
  readonly last: bigint;
}

/** A base, with where its rows stand. */
export interface Base extends CohortRange {
  /** All its rows have its first cohort; else each has that of its impressions. */
  readonly isFolded: boolean;
}

/**
 * The worker's claim: bases for a version's cohorts up to the frontier that nobody has claimed. Returns how many it claimed; 0 = none are left.
 */
export async function claimToFrontier(
  db: Database,
  version: number,
  frontierMs: number,
  size: ClaimSize,
): Promise<number> {
  return await claiming(db, version, async (trx, claimedTo) => {
    const last = lastCohortBefore(frontierMs);
    if (claimedTo >= last) return 0;
    const claimed = await claimHoles(trx, version, { first: claimedTo + 1n, last }, size);
    const to = claimed.length < size.maxBases ? last : (claimed.at(-1)?.last ?? last);
    await trx
      .updateTable('rollup_versions')
      .set({ claimed_through: to })
      .where('version', '=', version)
      .execute();
    return claimed.length;
  });
}

/** A backfill's claim: bases for whatever nobody has claimed in a range above the retention horizon. Returns how many it claimed. */
export async function claimRange(
  db: Database,
  version: number,
  range: CohortRange,
  size: ClaimSize,
): Promise<number> {
  return await claiming(db, version, async (trx) => {
    // No day may be dropped between the look at the horizon and the claim: such a base could never be taken right.
    await sql`LOCK TABLE ONLY events IN ACCESS SHARE MODE`.execute(trx);
    const { horizonMs } = await readWriteGuards(trx);
    return (await claimHoles(trx, version, aboveHorizon(range, horizonMs), size)).length;
  });
}

/** One claimer of a version at a time, so that bases never overlap. */
async function claiming<T>(
  db: Database,
  version: number,
  work: (trx: DatabaseExecutor, claimedTo: bigint) => Promise<T>,
): Promise<T> {
  return await db.transaction().execute(async (trx) => {
    const known = await trx
      .selectFrom('rollup_versions')
      .select('claimed_through')
      .where('version', '=', version)
      .forUpdate()
      .executeTakeFirst();
    if (known === undefined) throw new Error(`there is no version ${version}`);
    // Without statistics the planner would rather sort whole days than walk the key.
    await sql`SET LOCAL enable_seqscan = off`.execute(trx);
    return await work(trx, known.claimed_through);
  });
}

/** Covers the range's cohorts that have no base yet, in ascending order. */
async function claimHoles(
  trx: DatabaseExecutor,
  version: number,
  range: CohortRange,
  size: ClaimSize,
): Promise<CohortRange[]> {
  const claimed: CohortRange[] = [];
  for (const hole of holesIn(range, await basesIn(trx, version, range))) {
    for (let first = hole.first; first <= hole.last && claimed.length < size.maxBases;) {
      const last = await lastOfBase(trx, { first, last: hole.last }, size.baseRows);
      claimed.push({ first, last });
      first = last + 1n;
    }
  }
  if (claimed.length > 0) {
    await sql`INSERT INTO rollup_bases (version, first_cohort, last_cohort)
      SELECT ${version}::int, first, last
      FROM unnest(${claimed.map(({ first }) => first)}::bigint[], ${claimed.map(({ last }) => last)}::bigint[])
        AS claimed (first, last)`.execute(trx);
  }
  return claimed;
}

async function basesIn(
  trx: DatabaseExecutor,
  version: number,
  { first, last }: CohortRange,
): Promise<CohortRange[]> {
  return await trx
    .selectFrom('rollup_bases')
    .select(['first_cohort as first', 'last_cohort as last'])
    .where('version', '=', version)
    .where('last_cohort', '>=', first)
    .where('first_cohort', '<=', last)
    .orderBy('first_cohort')
    .execute();
}

/** What a range has beside the parts that are taken, which are sorted and disjoint. */
export function holesIn(range: CohortRange, taken: readonly CohortRange[]): CohortRange[] {
  const holes: CohortRange[] = [];
  let { first } = range;
  for (const part of taken) {
    if (part.first > first) holes.push({ first, last: part.first - 1n });
    if (part.last >= first) first = part.last + 1n;
  }
  if (first <= range.last) holes.push({ first, last: range.last });
  return holes;
}

/**
 * Where a base that begins with the range is to end: as far as its rows allow, but never past a UTC day,
 * since retention drops days. Time without any event is one base, however long.
 */
async function lastOfBase(
  trx: DatabaseExecutor,
  { first, last }: CohortRange,
  baseRows: number,
): Promise<bigint> {
  if (first === last) return last;
  const next = await cohortAfter(trx, { first, last }, 0);
  if (next === null) return last;
  const day = next - (next % COHORTS_PER_DAY);
  if (day > first) return day - 1n;
  const endOfDay = day + COHORTS_PER_DAY - 1n;
  const within = { first, last: last < endOfDay ? last : endOfDay };
  const full = await cohortAfter(trx, within, baseRows);
  if (full === null) return within.last;
  return full > first ? full - 1n : first;
}

/** The cohort of the row that has so many rows of the range before it; null where there are fewer. */
async function cohortAfter(
  trx: DatabaseExecutor,
  { first, last }: CohortRange,
  rows: number,
): Promise<bigint | null> {
  const found = await trx
    .selectFrom('events')
    .select('impression_id')
    .where('impression_id', '>=', firstIdOf(first))
    .where('impression_id', '<', firstIdOf(last + 1n))
    .orderBy('impression_id')
    .offset(sql.lit(rows))
    .limit(sql.lit(1))
    .executeTakeFirst();
  if (found === undefined) return null;
  // Any id, also one without a time of its own: it only says how many rows lie before it.
  return cohortAt(Number.parseInt(found.impression_id.replace('-', '').slice(0, 12), 16));
}

/** The part of a range that retention has not touched; what lies before can never be summed up again. */
export function aboveHorizon(range: CohortRange, horizonMs: number): CohortRange {
  const lowest = cohortAt(horizonMs);
  const first = cohortStartMs(lowest) < horizonMs ? lowest + 1n : lowest;
  return { first: range.first > first ? range.first : first, last: range.last };
}

/** Whether a base is one of ids without a time, or begins at a moment or later; all are where that is 0. */
export function isBornSince(firstCohort: string, sinceMs: number): RawBuilder<boolean> {
  const first = sql.ref(firstCohort);
  return sql`(${first} < 0 OR ${first} * ${COHORT_MS} >= ${sinceMs})`;
}

export function isTimeless(range: CohortRange): boolean {
  return range.first === TIMELESS;
}

/** What another version has taken and this one has not in whole, as a relation of bases. */
export function lackingBases(version: number, from: number | null): RawBuilder<unknown> {
  return sql`(
    SELECT b.* FROM rollup_bases b, (
      SELECT range_agg(int8range(first_cohort, last_cohort, '[]')) AS cohorts
      FROM rollup_bases WHERE version = ${version} AND taken_at IS NOT NULL
    ) own
    WHERE b.version = ${from} AND b.taken_at IS NOT NULL
      AND NOT coalesce(own.cohorts @> int8range(b.first_cohort, b.last_cohort, '[]'), false)
  )`;
}
