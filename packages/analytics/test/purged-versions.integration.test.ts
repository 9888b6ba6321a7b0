import { dropDays, readWriteGuards } from '@adtally/db';
import type { AdEvent } from '@adtally/event-schema';
import { sql } from 'kysely';
import { afterAll, expect, test } from 'vitest';
import {
  compareVersions,
  DEFAULT_DEFINITION,
  inSnapshot,
  issueStatement,
  periodOf,
  planBackfill,
  promote,
  readFigures,
  readPromotion,
  readTakenOver,
  registerVersion,
  type RollupDefinition,
  ROLLUPS,
  startBackfill,
  workBackfill,
} from '../src/index.ts';
import { event, idAt, START_MS, timelessId } from './events.ts';
import { referenceTotals, type Totals } from './reference.ts';
import { World } from './world.ts';

const world = await World.create();
afterAll(() => world.close());

const DAY_MS = 86_400_000;
const BY = { actor: 'tester', reason: 'a test' };
const ALL = { fromMs: null, toMs: null, by: 'cohort' } as const;
const OLD: RollupDefinition = { ...DEFAULT_DEFINITION, rollups: ['campaign', 'creative'] };
/** By its rules no conversion of these events is its click's. */
const NEW: RollupDefinition = { ...DEFAULT_DEFINITION, version: 3, windowMs: DAY_MS };

/** Of each of some days an impression, its click, and a conversion two days later. */
function eventsOf(days: readonly number[]): AdEvent[] {
  return days.flatMap((day) => {
    const id = idAt(START_MS + day * DAY_MS, day);
    return [
      event({ id, type: 'impression', atMs: day * DAY_MS }),
      event({ id, type: 'click', atMs: day * DAY_MS + 1_000, n: day }),
      event({ id, type: 'conversion', atMs: (day + 2) * DAY_MS + 7_200_000, n: day }),
    ];
  });
}

/** Figures of events that no hour has in common. */
function both(one: Totals, other: Totals): Totals {
  const names = Object.keys(ROLLUPS) as (keyof Totals)[];
  return Object.fromEntries(
    names.map((name) => [name, new Map([...one[name], ...other[name]])]),
  ) as Record<keyof Totals, Map<string, Readonly<Record<string, string>>>>;
}

async function backfill(definition: RollupDefinition) {
  const plan = await planBackfill(world.db, definition.version, ALL);
  await registerVersion(world.db, definition, 'the frontier');
  const runId = await startBackfill(world.db, plan, null, BY);
  const outcome = await workBackfill(world.db, runId, {
    parallelism: 1,
    baseRows: 3,
    lagMaxRecords: 1_000,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  expect(outcome).toBe('done');
  return plan;
}

/** The two days that left, as ops archive restore does it. */
async function bringBack(): Promise<void> {
  for (const day of ['2026-01-31', '2026-02-01']) {
    await sql`SELECT build_restored_day(${day})`.execute(world.db);
    await sql`INSERT INTO restored.${sql.id(`events_${day.replaceAll('-', '')}`)} SELECT s.* FROM saved s
      WHERE s.impression_id >= first_id_of(${day}) AND s.impression_id < first_id_of(${day}::date + 1)
        AND rollup_cohort(s.impression_id) >= 0`.execute(world.db);
    await sql`SELECT attach_restored_day(${day}, 3, '')`.execute(world.db);
  }
}

test('a version that is made after days left takes their sums over, says so, and is promoted', async () => {
  const { db } = world;
  const writer = await world.writer();
  const gone = eventsOf([0, 1]);
  const kept = [
    ...eventsOf([2, 3]).map((one) => ({ ...one, campaign_id: 'c-2' })),
    event({ id: timelessId(START_MS, 9), type: 'impression', atMs: 9 * 3_600_000 }),
  ];
  await registerVersion(db, OLD, 'the beginning');
  await writer.commit([...gone, ...kept]);
  await world.settle(START_MS + 4 * DAY_MS);
  await world.takeBases();
  await world.fold(START_MS + DAY_MS);
  await sql`CREATE TABLE saved AS SELECT * FROM events`.execute(db);
  const dropped = await dropDays(db, {
    nowMs: START_MS + 10 * DAY_MS,
    retentionDays: 8,
    archive: null,
    keepsRollups: true,
    signal: new AbortController().signal,
  });
  expect(dropped).toMatchObject({ dropped: [{ rows: 3n }, { rows: 3n }], waiting: [] });
  const { horizonMs } = await readWriteGuards(db);

  await registerVersion(db, NEW, 'the frontier');
  await expect(promote(db, NEW.version, BY)).rejects.toThrow(/without --from, since it takes \d+/);
  const fromKept = { ...ALL, fromMs: horizonMs - 1 };
  await expect(planBackfill(db, NEW.version, fromKept)).rejects.toThrow('were purged');
  expect(await backfill(NEW)).toMatchObject({ purgedBeforeMs: horizonMs });
  await promote(db, NEW.version, BY);
  expect((await readPromotion(db))?.version).toBe(NEW.version);

  // Of what left: as the old version has it, and nothing by placement, which that did not keep.
  const old = { ...referenceTotals(gone, OLD), placement: new Map() };
  const expected = both(old, referenceTotals(kept, NEW));
  expect(await world.totals(NEW.version)).toEqual(expected);
  expect(await world.rollupOffences()).toEqual([]);
  const told = expect.stringMatching(
    /^version 3 has \d+ bases \(6 events\) of .* from version 2, .* not recomputed; of placement it has nothing there/,
  );
  expect(await world.rollupNotes()).toContainEqual(told);
  expect(await readTakenOver(db)).toMatchObject([
    { version: 3, from: 2, events: 6n, lacks: ['placement'] },
  ]);
  // Only what both have summed up is compared.
  const differences = await compareVersions(db, OLD.version, NEW.version);
  expect(new Set(differences.map(({ campaignId }) => campaignId))).toEqual(new Set(['c-2']));

  const figures = async (by: 'creative' | 'placement', from: string) => {
    const period = periodOf({ from, to: '2026-03-01', timeZone: 'UTC' });
    return await inSnapshot(db, async (trx) => await readFigures(trx, NEW, { period, by }));
  };
  expect((await figures('creative', '2026-01-01')).rows).toHaveLength(2);
  expect((await figures('placement', '2026-02-05')).rows).toHaveLength(1);
  await expect(figures('placement', '2026-01-01')).rejects.toThrow('newer than some');

  // Days that came back: a statement is drawn up by the rules of today, and is not what was summed up by others.
  await bringBack();
  const february = { campaignId: 'c-1', month: '2026-02', timeZone: 'UTC' };
  expect(await issueStatement(db, february)).toMatchObject({
    events: '4',
    rollups: { agreement: 'not comparable', detail: expect.stringContaining('of version 2') },
  });
  const india = periodOf({ from: '2026-02-01', to: '2026-02-05', timeZone: 'Asia/Kolkata' });
  await inSnapshot(db, async (trx) => {
    const read = readFigures(trx, NEW, { period: india, by: 'day', campaignId: 'c-1' });
    await expect(read).rejects.toThrow('by the rules of version 2');
  });

  // Whatever can be computed anew is, again and again; the rest stays, folded or not.
  const before = await world.totals(OLD.version);
  for (const definition of [OLD, NEW]) await backfill(definition);
  await world.fold(START_MS + 4 * DAY_MS);
  await backfill(NEW);
  expect(await world.totals(OLD.version)).toEqual(before);
  expect(await world.totals(NEW.version)).toEqual(expected);
  expect(await world.rollupOffences()).toEqual([]);

  // The next one takes over what was taken over, and says whose it is.
  const next = { ...NEW, version: 4, windowMs: 2 * DAY_MS };
  await backfill(next);
  await promote(db, next.version, BY);
  expect((await readTakenOver(db)).filter(({ version }) => version === 4)).toMatchObject([
    { from: 2, events: 6n, lacks: ['placement'] },
  ]);
  expect(await world.totals(4)).toEqual(both(old, referenceTotals(kept, next)));
});
