import { beginTimelessPass, databaseNowMs, newestTimelessPass } from '@adtally/db';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  COHORT_MS,
  DEFAULT_DEFINITION,
  inSnapshot,
  issueStatement,
  periodOf,
  planBackfill,
  promote,
  purgeTimelessEvents,
  readEvents,
  readFigures,
  registerVersion,
  wholeAudit,
} from '../src/index.ts';
import { leaveTogether } from '../src/timeless/leave-together.ts';
import { event, idAt, START_MS, timelessId } from './events.ts';
import { World, type Writer } from './world.ts';

vi.setConfig({ testTimeout: 90_000 });

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
});
afterAll(() => world.close());

const RETENTION_DAYS = 30;
const { version } = DEFAULT_DEFINITION;

/** One turn to the end, by steps as small as they can be. Returns how many events left. */
async function purge(): Promise<number> {
  const nowMs = await databaseNowMs(world.db);
  const result = await purgeTimelessEvents(world.db, {
    nowMs,
    retentionDays: RETENTION_DAYS,
    passEveryMs: 0,
    budgetMs: 60_000,
    keepsRollups: true,
    signal: new AbortController().signal,
    pageRows: 3,
    impressionsAtOnce: 1,
  });
  if (result.wait !== null) throw new Error(result.wait.detail);
  expect(result).toMatchObject({ led: true, isThrough: true });
  return Number(result.rows);
}

/** All that is committed is older than the retention from now on. */
async function age(): Promise<void> {
  await sql`UPDATE ledger SET committed_at = committed_at - interval '40 days'
    WHERE committed_at > clock_timestamp() - interval '30 days'`.execute(world.db);
}

async function expectExact(): Promise<void> {
  const { checks } = await wholeAudit(world.db, { rollups: { full: true } });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
}

const seen = (id: string) => event({ id, type: 'impression', atMs: 0 });
const clicked = (id: string) => event({ id, type: 'click', atMs: 1_000 });
const bought = (id: string) => event({ id, type: 'conversion', atMs: 2_000 });
const [whole, alone, goesOn, young, noted] = [1, 2, 3, 4, 5].map((n) =>
  timelessId(START_MS + n * COHORT_MS, n),
) as [string, string, string, string, string];
const timed = idAt(START_MS, 1);

test('impressions without a time leave as wholes, reports stay, and what is left is summed up anew at any time', async () => {
  await writer.commit([seen(whole), clicked(whole), bought(whole), seen(alone), seen(goesOn)]);
  await writer.commit([seen(timed), clicked(timed)]);
  await age();
  await writer.commit([clicked(goesOn), seen(young)]);
  // Nothing leaves before it is summed up.
  await expect(purge()).rejects.toThrow('the rollups have not begun');
  await world.settle(START_MS + 10 * COHORT_MS);
  await expect(purge()).rejects.toThrow('has not summed up the ids without a time yet');
  await world.takeBases();
  await world.applyNotes();
  const before = await world.totals(version);
  await expectExact();

  expect(await purge()).toBe(4);
  expect(await world.count('events')).toBe(5);
  expect(await world.totals(version)).toEqual(before);
  await expectExact();
  expect(await world.rollupNotes()).toContainEqual(
    `version ${version}: 4 events whose ids are no UUIDv7 left by TIMELESS_RETENTION_DAYS: nothing to compare their sums with`,
  );
  const { rows: told } = await sql`
    SELECT p.rows::int, first_offset::int, end_offset::int, (SELECT sum(purged)::int FROM ledger) AS purged
    FROM timeless_purged p`.execute(world.db);
  expect(told).toEqual([{ rows: 4, first_offset: 0, end_offset: 4, purged: 4 }]);

  // The base is taken anew of what is left; what left is not in it.
  await sql`UPDATE rollup_bases SET taken_at = NULL, seen_sources = NULL, seen_offsets = NULL
    WHERE first_cohort = -1`.execute(world.db);
  expect(await world.takeBases()).toBe(1);
  expect(await world.totals(version)).toEqual(before);
  await expectExact();

  // A version that begins now cannot see them: it takes over what another one has.
  await registerVersion(world.db, { ...DEFAULT_DEFINITION, version: 7 }, 'the beginning');
  const plan = await planBackfill(world.db, 7, { fromMs: null, toMs: null, by: 'cohort' });
  expect(plan.takenOver).toEqual({ version, events: 4n });
  await world.takeBases();
  expect(await world.totals(7)).toEqual(before);
  await promote(world.db, 7, { actor: 'tester', reason: 'a test' });
  await expectExact();

  // One that keeps a rollup which its predecessor did not keep has nothing by that of what left, and says so.
  const lean = { ...DEFAULT_DEFINITION, version: 8, rollups: ['campaign'] as const };
  await registerVersion(world.db, lean, 'the beginning');
  await world.takeBases();
  await promote(world.db, 8, { actor: 'tester', reason: 'a test' });
  const full = { ...DEFAULT_DEFINITION, version: 9 };
  await registerVersion(world.db, full, 'the beginning');
  await world.takeBases();
  const all = periodOf({ from: '2020-01-01', to: '2030-01-01', timeZone: 'UTC' });
  const figures = async (by: 'campaign' | 'placement') =>
    await inSnapshot(world.db, (trx) => readFigures(trx, full, { period: all, by }));
  expect((await figures('campaign')).rows).toHaveLength(1);
  await expect(figures('placement')).rejects.toThrow('left by TIMELESS_RETENTION_DAYS');

  // Who would need them is refused by name.
  const period = periodOf({ from: '2026-01-31', to: '2026-02-01', timeZone: 'UTC' });
  const read = inSnapshot(world.db, (trx) =>
    readEvents(trx, DEFAULT_DEFINITION, { period }, async () => true),
  );
  await expect(read).rejects.toThrow('left by TIMELESS_RETENTION_DAYS');
  const january = { campaignId: 'c-1', month: '2026-01', timeZone: 'UTC' };
  await expect(issueStatement(world.db, january)).rejects.toThrow(
    'left by TIMELESS_RETENTION_DAYS',
  );
});

test('an older copy counts as new, and what comes for an impression that left finds none', async () => {
  const counted = async () => {
    const { rows } = await sql<{ impressions: number; unmatched: number }>`
      SELECT sum(impressions)::int AS impressions, sum(unmatched_clicks)::int AS unmatched
      FROM rollup_by_campaign WHERE version = ${version}`.execute(world.db);
    return rows[0];
  };
  expect(await counted()).toEqual({ impressions: 5, unmatched: 0 });
  await writer.commit([seen(alone), seen(young), clicked(whole)]);
  await world.applyNotes();
  expect(await counted()).toEqual({ impressions: 6, unmatched: 1 });
  const after = await world.totals(version);
  await expectExact();
  // It leaves again in its time.
  await age();
  expect(await purge()).toBe(5);
  expect(await world.totals(version)).toEqual(after);
  await expectExact();
});

test('an event that is not summed up yet keeps its impression, until it is', async () => {
  await writer.commit([seen(noted)]);
  await age();
  expect(await purge()).toBe(0);
  await world.applyNotes();
  expect(await purge()).toBe(1);
  await expectExact();
});

test('a writer that meets them while they leave counts a duplicate or a new event, and the ledger balances', async () => {
  const [seenBefore, seenAfter] = [timelessId(START_MS, 10), timelessId(START_MS, 11)];
  await writer.commit([seen(seenBefore), seen(seenAfter)]);
  await world.applyNotes();
  await age();
  const ledgerOf = async () => {
    const { rows } = await sql<{ stored: number; duplicate: number }>`
      SELECT stored::int, duplicate::int FROM ledger ORDER BY committed_at DESC, end_offset DESC LIMIT 1`.execute(
      world.db,
    );
    return rows[0];
  };
  // It saw the row before it left.
  await writer.try([seen(seenBefore)], async () => {
    expect(await purge()).toBe(2);
  });
  expect(await ledgerOf()).toEqual({ stored: 0, duplicate: 1 });
  await expectExact();

  // It comes while the row is being deleted: it waits, and stores the copy.
  await writer.commit([seen(seenAfter)]);
  await world.applyNotes();
  await age();
  const before = await world.totals(version);
  let written: Promise<void> | undefined;
  await beginTimelessPass(world.db, (await databaseNowMs(world.db)) - RETENTION_DAYS * 86_400_000);
  const pass = await newestTimelessPass(world.db);
  if (pass === null) throw new Error('no pass');
  await world.db.transaction().execute(async (trx) => {
    expect(await leaveTogether(trx, pass, [seenAfter])).toBe(1n);
    written = writer.commit([seen(seenAfter)]);
    await vi.waitFor(
      async () =>
        expect(
          await world.count(
            'pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()',
          ),
        ).toBe(1),
      60_000,
    );
  });
  await written;
  expect(await ledgerOf()).toEqual({ stored: 1, duplicate: 0 });
  expect(await world.totals(version)).toEqual(before);
  await expectExact();
});
