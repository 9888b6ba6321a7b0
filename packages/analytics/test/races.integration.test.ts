import type { AdEvent } from '@adtally/event-schema';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { applyLate, COHORT_MS, cohortAt, DEFAULT_DEFINITION, takeNextBase } from '../src/index.ts';
import { event, idAt, START_MS, timelessId } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
let other: Writer;
let commitBatch: string;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
  other = await world.writer();
  const [row] = await writer.session.query<{ definition: string }>(
    `SELECT pg_get_functiondef('commit_batch'::regproc) AS definition`,
  );
  commitBatch = row?.definition ?? '';
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const { version } = DEFAULT_DEFINITION;
const SETTLED_MS = START_MS + 7 * COHORT_MS;
const ONE = idAt(START_MS, 1);

const impression = (id = ONE, atMs = 0) => event({ id, type: 'impression', atMs });
const click = (id = ONE, atMs = 1_000) => event({ id, type: 'click', atMs });
const conversion = (id = ONE, atMs = 5_000) => event({ id, type: 'conversion', atMs });

/** What is there now against a recompute in plain code. */
async function expectExact(events: readonly AdEvent[]): Promise<void> {
  expect(await world.totals(version)).toEqual(referenceTotals(events, DEFAULT_DEFINITION));
}

/** How many sessions of this database wait for a lock. */
function waiting(): Promise<number> {
  return world.count(
    `pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  );
}

async function untilWaiting(sessions: number): Promise<void> {
  await waitFor(async () => (await waiting()) === sessions, { what: `${sessions} to wait` });
}

describe('a commit in flight while the frontier passes its impressions and their base is taken', () => {
  const inBetween = async () => {
    await world.settle(SETTLED_MS);
    expect(await world.takeBases()).toBeGreaterThan(0);
  };

  it('I11: is made to note them, and nothing is missing', async () => {
    const events = [impression(), click()];
    await expect(writer.try(events, inBetween)).rejects.toMatchObject({
      failure: { kind: 'frontier_moved', frontierMs: SETTLED_MS },
    });
    expect(await world.count('events')).toBe(0);
    await writer.try(events);
    expect(await world.count('late_notes')).toBe(1);
    await world.applyNotes();
    await expectExact(events);
  });

  it('would be missing for good, were the frontier not compared', async () => {
    const weakened = commitBatch.replace('IF frontier > p_noted_below_ms THEN', 'IF false THEN');
    expect(weakened).not.toBe(commitBatch);
    await writer.session.query(weakened);
    try {
      await writer.try([impression(), click()], inBetween);
    } finally {
      await writer.session.query(commitBatch);
    }
    await world.applyNotes();
    expect(await world.count('events')).toBe(2);
    await expectExact([]);
  });
});

it('I11: an event that arrives between the snapshot of a base and its commit is neither lost nor counted twice', async () => {
  await writer.commit([impression()]);
  await world.settle(SETTLED_MS);
  // Its row collides with the base's, so that the base has its snapshot and cannot end.
  const blocker = await holdRow();
  const taking = world.takeBases();
  await untilWaiting(1);
  await writer.commit([click(), conversion()]);
  expect(await world.count('late_notes')).toBe(1);
  const applying = world.applyNotes();
  await untilWaiting(2);
  await blocker.release();
  await Promise.all([taking, applying]);

  const { rows } = await sql<{ seen: string }>`
    SELECT seen_offsets::text AS seen FROM rollup_bases
    WHERE ${cohortAt(START_MS)} BETWEEN first_cohort AND last_cohort`.execute(world.db);
  // The fault happened: the base did not see the second batch.
  expect(rows[0]?.seen).toBe(`{${writer.nextOffset - 2}}`);
  await expectExact([impression(), click(), conversion()]);
});

/** A row with the key of the one that the base of ONE will insert, in a transaction left open. */
async function holdRow(): Promise<{ release(): Promise<void> }> {
  await other.session.query('BEGIN');
  await other.session.query(
    `INSERT INTO rollup_by_campaign SELECT ${version}, ${cohortAt(START_MS)}, to_timestamp(${START_MS / 1000}), 'c-1', 'EUR',
     0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0`,
  );
  return { release: async () => void (await other.session.query('ROLLBACK')) };
}

it('a note of a base that is claimed and not taken is dropped: the base, taken later, covers it', async () => {
  await world.settle(SETTLED_MS);
  await sql`INSERT INTO rollup_bases (version, first_cohort, last_cohort)
    VALUES (${version}, 0, ${cohortAt(SETTLED_MS) - 1n})`.execute(world.db);
  await writer.commit([impression(), click()]);
  expect(await world.applyNotes()).toBe(2);
  await expectExact([]);
  while ((await takeNextBase(world.db, DEFAULT_DEFINITION, 'untaken')) !== null);
  await expectExact([impression(), click()]);
});

it('cohorts without an event have a base too, to which late impressions are added', async () => {
  await world.settle(SETTLED_MS);
  await world.takeBases();
  const early = idAt(START_MS - 86_400_000 * 300, 7);
  const events = [impression(early), click(early), conversion(early)];
  for (const one of events) {
    await writer.commit([one]);
    await world.applyNotes();
  }
  await expectExact(events);
});

describe('ids without a time', () => {
  const id = timelessId(START_MS, 3);
  const future = idAt(Date.UTC(2150, 0, 1), 4);

  it('that came before anybody kept rollups are in the first base', async () => {
    const events = [impression(id), click(id), impression(future)];
    await writer.commit(events);
    expect(await world.count('late_notes')).toBe(0);
    await world.settle(SETTLED_MS);
    await world.takeBases();
    await expectExact(events);
  });

  it('that come later always go the late way', async () => {
    await world.settle(SETTLED_MS);
    await world.takeBases();
    await writer.commit([impression(id)]);
    await writer.commit([click(id), impression(future)]);
    expect(await world.count('late_notes')).toBe(2);
    await world.applyNotes();
    await expectExact([impression(id), click(id), impression(future)]);
  });
});

it('a moved frontier alone makes no commit fail: only one that left out a note', async () => {
  await world.settle(SETTLED_MS);
  const young = idAt(SETTLED_MS + 120_000, 9);
  await writer.commit([impression(young)]);
  await world.settle(SETTLED_MS + 90_000);
  await writer.try([click(young)]);
  expect(await world.count('late_notes')).toBe(0);
});

it('without a frontier nothing is noted', async () => {
  await writer.commit([impression(), click(timelessId(START_MS, 3))]);
  expect(await world.count('late_notes')).toBe(0);
});

it('what is applied to nothing leaves no row', async () => {
  await world.settle(SETTLED_MS);
  await world.takeBases();
  const elsewhere = ['c-2', 'cr-2', 'p-2'] as const;
  const unmatched = event({ id: ONE, type: 'conversion', atMs: 9_000, dimensions: elsewhere });
  await writer.commit([unmatched]);
  await world.applyNotes();
  expect(await world.count(`rollup_by_campaign WHERE campaign_id = 'c-2'`)).toBe(1);
  // Now earned by the click of another campaign: its own row comes to nothing.
  await writer.commit([impression(), click()]);
  await world.applyNotes();
  expect(await world.count(`rollup_by_campaign WHERE campaign_id = 'c-2'`)).toBe(0);
  await expectExact([unmatched, impression(), click()]);
});

it('notes taken out of order cost their bases a recompute, and no event', async () => {
  await writer.commit([impression()]);
  await world.settle(SETTLED_MS);
  await world.takeBases();
  await writer.commit([click()]);
  await sql`CREATE TABLE held AS SELECT * FROM late_notes`.execute(world.db);
  await sql`DELETE FROM late_notes`.execute(world.db);
  await writer.commit([conversion()]);
  await world.applyNotes();
  await sql`INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids)
    SELECT source_ids, first_offsets, end_offsets, impressions, impression_ids FROM held`.execute(
    world.db,
  );
  await sql`DROP TABLE held`.execute(world.db);
  expect(await applyLate(world.db, { maxImpressions: 10 })).toMatchObject({ notes: 1, spoiled: 1 });
  await world.takeBases();
  await expectExact([impression(), click(), conversion()]);
});

it('two workers and two writers at once end as one after the other', async () => {
  const events = Array.from({ length: 120 }, (_, n) => {
    const id = idAt(START_MS + (n % 6) * COHORT_MS, n % 40);
    const type = (['impression', 'click', 'conversion'] as const)[Math.floor(n / 40)];
    return event({ id, type: type ?? 'impression', atMs: 1_000 * n });
  });
  const over = new AbortController();
  const work = async (which: Writer, parity: number) => {
    const own = events.filter((_, n) => n % 2 === parity);
    for (let at = 0; at < own.length; at += 3) await which.commit(own.slice(at, at + 3));
  };
  const applied = { notes: 0 };
  const keep = async () => {
    for (let turn = 0; !over.signal.aborted; turn += 1) {
      await world.settle(START_MS + (turn % 7) * COHORT_MS);
      await world.takeBases();
      applied.notes += (await applyLate(world.db, { maxImpressions: 4 })).notes;
    }
  };
  const keeping = [keep(), keep()];
  await Promise.all([work(writer, 0), work(other, 1)]);
  over.abort();
  await Promise.all(keeping);
  expect(applied.notes).toBeGreaterThan(0);
  await world.settle(SETTLED_MS);
  await world.takeBases();
  await world.applyNotes();
  await expectExact(events);
});
