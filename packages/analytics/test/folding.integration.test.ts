import type { AdEvent } from '@adtally/event-schema';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  applyLate,
  COHORT_MS,
  cohortAt,
  compareVersions,
  DEFAULT_DEFINITION,
  foldNext,
  inSnapshot,
  periodOf,
  planBackfill,
  readFigures,
  registerVersion,
  startBackfill,
  takeNextBase,
  workBackfill,
} from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
let other: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
  other = await world.writer();
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const { version } = DEFAULT_DEFINITION;
const DAY_MS = 86_400_000;
const COHORTS = 8;
const END_MS = START_MS + COHORTS * COHORT_MS;
const LIMITS = { unitEvents: 1_000n, stepEvents: 1_000n };
const OPTIONS = { beforeMs: END_MS, ...LIMITS };
const OPERATOR = { actor: 'test', reason: 'a test' };

const impression = (id: string) => event({ id, type: 'impression', atMs: 0 });
const click = (id: string, n = 0) => event({ id, type: 'click', atMs: 1_000 + n, n });
const conversion = (id: string) => event({ id, type: 'conversion', atMs: 5_000 });
const idIn = (cohort: number) => idAt(START_MS + cohort * COHORT_MS, cohort);
const ids = Array.from({ length: COHORTS }, (_, cohort) => idIn(cohort));

/** An impression and a click in each cohort, all summed up, and nothing of it folded but the empty years before. */
async function fill(): Promise<AdEvent[]> {
  const events = ids.flatMap((id) => [impression(id), click(id)]);
  await writer.commit(events);
  await world.settle(END_MS);
  await world.takeBases();
  await world.fold(START_MS);
  return events;
}

async function expectExact(events: readonly AdEvent[]): Promise<void> {
  expect(await world.totals(version)).toEqual(referenceTotals(events, DEFAULT_DEFINITION));
  expect(await world.rollupOffences()).toEqual([]);
}

/** All that folding changes, as text. */
async function everything(): Promise<string> {
  const { rows } = await sql<{ all: string }>`
    SELECT (SELECT jsonb_agg(to_jsonb(b) - 'taken_at' ORDER BY first_cohort)::text FROM rollup_bases b)
        || (SELECT jsonb_agg(to_jsonb(r) ORDER BY r)::text FROM rollup_by_placement r)
        || (SELECT jsonb_agg(to_jsonb(r) ORDER BY r)::text FROM rollup_by_campaign r) AS all`.execute(
    world.db,
  );
  return rows[0]?.all ?? '';
}

it('rows of many cohorts become one, and a late event finds it and changes it exactly', async () => {
  const events = await fill();
  expect(await world.count('rollup_by_campaign')).toBe(COHORTS);
  expect(await foldNext(world.db, DEFAULT_DEFINITION, OPTIONS)).toMatchObject({
    rows: 3 * (COHORTS - 1),
  });
  expect(await world.count('rollup_by_campaign')).toBe(1);
  await expectExact(events);
  const late = [conversion(ids[3] as string), click(ids[5] as string, 7)];
  await writer.commit(late);
  expect(await world.applyNotes()).toBe(2);
  expect(await world.count('rollup_by_campaign')).toBe(1);
  await expectExact([...events, ...late]);
});

it('folds no base while a late note waits that not all of them count', async () => {
  const [first, second] = [ids[0] as string, ids[1] as string];
  await writer.commit([impression(first), impression(second)]);
  await world.settle(START_MS + COHORT_MS);
  await world.takeBases();
  await writer.commit([click(first)]);
  await world.settle(START_MS + 2 * COHORT_MS);
  await world.takeBases();
  await world.fold(START_MS);
  // Of the first cohort a note waits that the second one's base has seen.
  expect(await foldNext(world.db, DEFAULT_DEFINITION, OPTIONS)).toBeNull();
  await world.applyNotes();
  expect(await foldNext(world.db, DEFAULT_DEFINITION, OPTIONS)).toMatchObject({ bases: 2 });
  await expectExact([impression(first), impression(second), click(first)]);
});

describe('what ends a step in the middle leaves all as it was', () => {
  it('a kill of its process', async () => {
    const events = await fill();
    const before = await everything();
    // A row that a step needs is held by somebody else, until the step's backend is gone.
    await other.session.query('BEGIN');
    await other.session.query(
      `SELECT FROM rollup_by_placement WHERE cohort = ${cohortAt(START_MS) + 2n} FOR UPDATE`,
    );
    const folding = foldNext(world.db, DEFAULT_DEFINITION, OPTIONS).catch(
      (error: unknown) => error,
    );
    await waitFor(
      async () => {
        const { rows } = await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%gone AS%'`.execute(
          world.db,
        );
        return rows.length > 0;
      },
      { what: 'the step to wait' },
    );
    expect(await folding).toBeInstanceOf(Error);
    await other.session.query('ROLLBACK');
    expect(await everything()).toBe(before);
    expect(await world.fold(END_MS)).toBeGreaterThan(0);
    await expectExact(events);
  });

  it('a statement that fails, as on a full disk', async () => {
    const events = await fill();
    const before = await everything();
    await sql`CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$`.execute(world.db);
    await sql`CREATE TRIGGER full_disk BEFORE INSERT ON rollup_by_placement
      FOR EACH ROW EXECUTE FUNCTION full_disk()`.execute(world.db);
    await expect(world.fold(END_MS)).rejects.toMatchObject({ code: '53100' });
    await sql`DROP FUNCTION full_disk CASCADE`.execute(world.db);
    expect(await everything()).toBe(before);
    expect(await world.fold(END_MS)).toBeGreaterThan(0);
    await expectExact(events);
  });
});

describe('beside others', () => {
  it('waits for whoever holds a base, and late events wait for it', async () => {
    const events = await fill();
    await writer.commit([conversion(ids[1] as string)]);
    await other.session.query('BEGIN');
    await other.session.query(
      `SELECT FROM rollup_bases WHERE first_cohort = ${cohortAt(START_MS) + 2n} FOR UPDATE`,
    );
    expect(await foldNext(world.db, DEFAULT_DEFINITION, OPTIONS)).toBeNull();
    await other.session.query('ROLLBACK');
    await other.session.query('BEGIN');
    await other.session.query('SELECT FROM rollup_progress FOR UPDATE');
    expect(await applyLate(world.db, { maxImpressions: 9 })).toMatchObject({ notes: 0 });
    expect(await foldNext(world.db, DEFAULT_DEFINITION, OPTIONS)).toBeNull();
    await other.session.query('ROLLBACK');
    expect(await world.fold(END_MS)).toBeGreaterThan(0);
    await world.applyNotes();
    await expectExact([...events, conversion(ids[1] as string)]);
  });

  it('late events, folds and computing anew at once end as one after the other', async () => {
    const events = await fill();
    const late = ids.flatMap((id) => [conversion(id), ...[1, 2, 3].map((n) => click(id, n))]);
    const over = new AbortController();
    const seen = { folded: 0, applied: 0, retaken: 0 };
    const until = async (work: () => Promise<void>) => {
      while (!over.signal.aborted) await work();
    };
    const others = [
      until(async () => {
        seen.applied += (await applyLate(world.db, { maxImpressions: 2 })).notes;
      }),
      until(async () => {
        const options = { beforeMs: END_MS, unitEvents: 5n, stepEvents: 3n };
        seen.folded += (await foldNext(world.db, DEFAULT_DEFINITION, options))?.bases ?? 0;
      }),
      until(async () => {
        await sql`UPDATE rollup_bases SET taken_at = NULL, seen_sources = NULL, seen_offsets = NULL
          WHERE ctid IN (SELECT ctid FROM rollup_bases WHERE first_cohort > 0 ORDER BY random() LIMIT 1)`.execute(
          world.db,
        );
        if ((await takeNextBase(world.db, DEFAULT_DEFINITION, 'untaken')) !== null)
          seen.retaken += 1;
      }),
    ];
    for (const one of late) await writer.commit([one]);
    await waitFor(() => Object.values(seen).every((times) => times > 0), {
      what: 'each to happen',
    });
    over.abort();
    await Promise.all(others);
    await world.takeBases();
    await world.applyNotes();
    await world.fold(END_MS);
    await expectExact([...events, ...late]);
  });
});

it('a folded range is computed anew by a backfill, stays folded, and two versions can be compared', async () => {
  const events = await fill();
  await world.fold(END_MS, LIMITS);
  await sql`UPDATE rollup_by_campaign SET clicks = clicks + 1`.execute(world.db);
  expect(await world.rollupOffences()).toHaveLength(1);
  const work = async (ofVersion: number) => {
    const times = { fromMs: START_MS - (START_MS % DAY_MS), toMs: END_MS, by: 'cohort' } as const;
    const plan = await planBackfill(world.db, ofVersion, times);
    const runId = await startBackfill(world.db, plan, null, OPERATOR);
    const outcome = await workBackfill(world.db, runId, {
      parallelism: 1,
      baseRows: 3,
      lagMaxRecords: Number.MAX_SAFE_INTEGER,
      onProgress: () => {},
      signal: new AbortController().signal,
    });
    expect(outcome).toBe('done');
  };
  await work(version);
  await expectExact(events);
  expect(await world.count('rollup_by_campaign')).toBe(1);
  // The other version has half of what is one folded base here: of that nothing can be compared, of the whole all.
  const next = { ...DEFAULT_DEFINITION, version: 3 };
  await registerVersion(world.db, next, 'the frontier');
  await sql`INSERT INTO rollup_bases (version, first_cohort, last_cohort)
    VALUES (3, ${cohortAt(START_MS)}, ${cohortAt(START_MS)})`.execute(world.db);
  while ((await takeNextBase(world.db, next, 'untaken')) !== null);
  expect(await compareVersions(world.db, version, 3)).toEqual([]);
  await work(3);
  expect(await compareVersions(world.db, version, 3)).toEqual([]);
  await sql`UPDATE rollup_by_campaign SET clicks = clicks + 1 WHERE version = 3
    AND cohort = ${cohortAt(START_MS)}`.execute(world.db);
  expect(await compareVersions(world.db, version, 3)).toMatchObject([{ measure: 'clicks' }]);
});

it('days of a zone half an hour off are attributed from the events of folded bases as well', async () => {
  await fill();
  const india = periodOf({ from: '2026-01-31', to: '2026-02-02', timeZone: 'Asia/Kolkata' });
  const figures = () =>
    inSnapshot(world.db, (trx) =>
      readFigures(trx, DEFAULT_DEFINITION, { period: india, by: 'day', campaignId: 'c-1' }),
    );
  const before = await figures();
  expect(before.from).toBe('events');
  expect(before.rows[0]?.sums).toMatchObject({ impressions: BigInt(COHORTS) });
  await world.fold(END_MS, LIMITS);
  expect(await figures()).toEqual(before);
});

it('what was purged is folded over its days, stays as it is, and is said to be beyond any check', async () => {
  const days = [0, 1, 2, 3].map((day) => idAt(START_MS + day * DAY_MS, day));
  const events = days.flatMap((id) => [impression(id), click(id)]);
  await writer.commit(events);
  await world.settle(START_MS + 4 * DAY_MS);
  await world.takeBases();
  const horizonMs = Math.floor(START_MS / DAY_MS + 2) * DAY_MS;
  await world.fold(START_MS + 4 * DAY_MS, LIMITS);
  const units = () => world.count(`rollup_bases WHERE version = ${version} AND first_cohort >= 0`);
  const before = await world.totals(version);
  const unitsBefore = await units();
  await writer.commit([conversion(days[2] as string)]);
  await sql`UPDATE write_guards SET horizon_ms = ${horizonMs}`.execute(world.db);
  await sql`INSERT INTO retired_days (day, counted_at, dropped_at, rows, kept_rows)
    SELECT (to_timestamp(${horizonMs / 1000}) AT TIME ZONE 'UTC')::date - back, now(), now(), 2, 0
    FROM generate_series(1, 2) back`.execute(world.db);
  await sql`DELETE FROM events WHERE impression_id < ${idAt(horizonMs, 0)}`.execute(world.db);
  await world.fold(START_MS + 4 * DAY_MS, LIMITS);
  expect(await units()).toBeLessThan(unitsBefore);
  expect(
    await world.count(
      `rollup_bases WHERE last_cohort < ${cohortAt(horizonMs)} AND first_cohort >= 0`,
    ),
  ).toBe(1);
  expect(await world.totals(version)).toEqual(before);
  expect(await world.rollupOffences()).toEqual([]);
  expect(await world.rollupNotes()).toEqual([
    expect.stringContaining('(4 events when they were summed up)'),
  ]);
  // The late event of a day that is there finds its row.
  await world.applyNotes();
  expect(await world.totals(version)).toEqual(
    referenceTotals([...events, conversion(days[2] as string)], DEFAULT_DEFINITION),
  );
  const india = periodOf({ from: '2026-01-31', to: '2026-02-02', timeZone: 'Asia/Kolkata' });
  await inSnapshot(world.db, async (trx) => {
    const read = readFigures(trx, DEFAULT_DEFINITION, { period: india, by: 'day' });
    await expect(read).rejects.toThrow('were purged');
  });
});
