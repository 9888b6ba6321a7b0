import { COHORT_MS, type Database } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { readFreshness } from '../src/index.ts';

const FRONTIER_COHORT = 100_000n;
const FRONTIER_MS = Number(FRONTIER_COHORT) * COHORT_MS;

async function addVersion(db: Database, version: number, claimedThrough: bigint): Promise<void> {
  await db
    .insertInto('rollup_versions')
    .values({
      version,
      algorithm: 'last_click',
      window_ms: 1n,
      tolerance_ms: 1n,
      claimed_through: claimedThrough,
    })
    .execute();
}

async function addBase(
  db: Database,
  version: number,
  cohort: bigint,
  isTaken: boolean,
): Promise<void> {
  await db
    .insertInto('rollup_bases')
    .values({
      version,
      first_cohort: cohort,
      last_cohort: cohort,
      ...(isTaken && { seen_sources: [], seen_offsets: [], events: 0n, taken_at: new Date() }),
    })
    .execute();
}

test('freshness names the bases, notes and versions that wait, and how old the newest cohort is', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await readFreshness(db)).toEqual({
    oldestNoteSeconds: 0,
    waitingNotes: 0,
    newestCohortSeconds: null,
    waitingBases: 0,
    unclaimedVersions: 0,
    frontierMs: 0,
  });
  await db
    .updateTable('write_guards')
    .set({ frontier_ms: BigInt(FRONTIER_MS) })
    .execute();
  await addVersion(db, 1, FRONTIER_COHORT - 1n);
  await addVersion(db, 2, FRONTIER_COHORT - 2n);
  await db.insertInto('rollup_promotion').values({ version: 1 }).execute();
  // Ids without a time are no cohort. A worker that died before the first one does not read as fresh.
  await addBase(db, 1, -1n, true);
  expect((await readFreshness(db)).newestCohortSeconds).toBeLessThan(60);
  await sql`UPDATE rollup_versions SET created_at = created_at - interval '1 hour'`.execute(db);
  expect((await readFreshness(db)).newestCohortSeconds).toBeGreaterThanOrEqual(3_600);
  // What another version has taken is not shown.
  await addBase(db, 1, 7n, true);
  await addBase(db, 1, 9n, true);
  await addBase(db, 1, 11n, false);
  await addBase(db, 2, 13n, true);
  await sql`
    INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids)
    SELECT '{}', '{}', '{}', 1, '{}' FROM generate_series(1, 3)`.execute(db);
  const fresh = await readFreshness(db);
  expect(fresh).toMatchObject({
    waitingNotes: 3,
    waitingBases: 1,
    unclaimedVersions: 1,
    frontierMs: FRONTIER_MS,
  });
  expect(fresh.oldestNoteSeconds).toBeGreaterThan(0);
  const { rows } = await sql<{ seconds: number }>`
    SELECT extract(epoch FROM clock_timestamp())::float8 - ${(10 * COHORT_MS) / 1_000} AS seconds`.execute(
    db,
  );
  expect(Math.abs((fresh.newestCohortSeconds ?? 0) - (rows[0]?.seconds ?? 0))).toBeLessThan(60);
});
