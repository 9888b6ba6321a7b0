import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate, type WriterSession } from '@adtally/db';
import { emptyDatabase } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { COHORT_MS, DEFAULT_DEFINITION } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World } from './world.ts';

const MIGRATIONS = fileURLToPath(new URL('../../db/migrations/', import.meta.url));
const OLD_COHORT_MS = 10_000;
const OLD_COHORT = START_MS / OLD_COHORT_MS;

it('migration 0010 drops what was summed up by cohorts of 10 s, and the worker sums it up anew', async () => {
  await using database = await emptyDatabase();
  await migrateTo(9, database.url);
  const world = World.at(database.url);
  try {
    const writer = await world.writerOf(claimAsBefore);
    // Two old cohorts, one new one; and a click that waits to be applied.
    const [first, second] = [idAt(START_MS, 1), idAt(START_MS + OLD_COHORT_MS, 2)];
    const events = [
      event({ id: first, type: 'impression', atMs: 0 }),
      event({ id: second, type: 'impression', atMs: 0 }),
    ];
    await writer.commit(events);
    await keepAsBefore(world);
    const late = event({ id: first, type: 'click', atMs: 1_000 });
    await writer.commit([late]);
    expect(await world.count('late_notes')).toBe(1);

    expect((await migrate(database.url)).applied[0]).toBe('0010_longer_cohorts');

    expect(await world.count('rollup_by_campaign')).toBe(0);
    const runs =
      await sql`SELECT state, first_cohort AS first, last_cohort AS last FROM backfill_runs
      ORDER BY run_id`.execute(world.db);
    const cohort = BigInt(START_MS / COHORT_MS);
    expect(runs.rows).toEqual([
      { state: 'cancelled', first: cohort, last: cohort },
      { state: 'done', first: -1n, last: cohort },
    ]);
    await world.settle(START_MS + COHORT_MS);
    await world.takeBases();
    await world.applyNotes();
    expect(await world.totals(DEFAULT_DEFINITION.version)).toEqual(
      referenceTotals([...events, late], DEFAULT_DEFINITION),
    );
    expect(await world.rollupOffences()).toEqual([]);
  } finally {
    await world.close();
  }
});

/** The schema as it was: the first so many migrations. */
async function migrateTo(version: number, url: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'adtally-migrations-'));
  try {
    const files = (await readdir(MIGRATIONS)).toSorted().slice(0, version);
    for (const file of files) await cp(join(MIGRATIONS, file), join(directory, file));
    expect((await migrate(url, { directory })).version).toBe(version);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** A source and its claim, by the server's half of the protocol as it was. */
async function claimAsBefore(session: WriterSession) {
  await session.query(
    `WITH source AS (INSERT INTO sources (kind, topic, topic_id, partition)
                     VALUES ('events', 'test', 'test', 0) RETURNING source_id),
          genesis AS (INSERT INTO ledger (source_id, end_offset, epoch)
                      SELECT source_id, 0, 0 FROM source RETURNING source_id)
     INSERT INTO cursors (source_id, next_offset) SELECT source_id, 0 FROM genesis`,
  );
  const [claimed] = await session.query<{ sourceId: number; epoch: number }>(
    `SELECT s.source_id AS "sourceId", k.epoch::int AS epoch
     FROM sources s CROSS JOIN LATERAL claim_source(s.source_id, 'test') k`,
  );
  if (claimed === undefined) throw new Error('no source');
  return claimed;
}

/** What a worker of before has left: a version, two bases with a row, a backfill at work and one that is done. */
async function keepAsBefore({ db }: World): Promise<void> {
  await sql`UPDATE write_guards SET frontier_ms = ${START_MS + 2 * OLD_COHORT_MS}`.execute(db);
  await sql`INSERT INTO rollup_versions (version, algorithm, window_ms, tolerance_ms, claimed_to)
    VALUES (${DEFAULT_DEFINITION.version}, ${DEFAULT_DEFINITION.algorithm}, ${DEFAULT_DEFINITION.windowMs},
            ${DEFAULT_DEFINITION.toleranceMs}, ${OLD_COHORT + 1})`.execute(db);
  await sql`INSERT INTO rollup_bases (version, first_cohort, last_cohort, seen_sources, seen_offsets, taken_at)
    VALUES (2, -1, -1, '{}', '{}', now()), (2, ${OLD_COHORT}, ${OLD_COHORT}, '{1}', '{2}', now()),
           (2, ${OLD_COHORT + 1}, ${OLD_COHORT + 1}, '{1}', '{2}', now())`.execute(db);
  await sql`INSERT INTO rollup_by_campaign
    VALUES (2, ${OLD_COHORT}, to_timestamp(${START_MS / 1000}), 'c-1', 'EUR', 1, ${sql.raw(Array(14).fill(0).join(', '))})`.execute(
    db,
  );
  await sql`INSERT INTO backfill_runs (version, first_cohort, last_cohort, state, actor, ended_at)
    VALUES (2, ${OLD_COHORT}, ${OLD_COHORT + 1}, 'running', 'test', NULL),
           (2, -1, ${OLD_COHORT + 1}, 'done', 'test', now())`.execute(db);
}
