import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  DEFAULT_DEFINITION,
  planBackfill,
  promote,
  readRollupNeeds,
  registerVersion,
  startBackfill,
  workBackfill,
} from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { referenceTotals } from './reference.ts';
import { World, type Writer } from './world.ts';

// A database with history, made by a build that declared no rollup by placement.
const OLD = { ...DEFAULT_DEFINITION, rollups: ['campaign', 'creative'] } as const;
const NEW = { ...DEFAULT_DEFINITION, version: 3 };
const OPERATOR = { actor: 'tester', reason: 'a rollup by placement' };
const HISTORY = [
  event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0, dimensions: ['c', 'cr', 'p-1'] }),
  event({ id: idAt(START_MS, 1), type: 'click', atMs: 1_000, dimensions: ['c', 'cr', 'p-2'] }),
];
const LATE = event({ id: idAt(START_MS, 1), type: 'conversion', atMs: 2_000 });

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
  await registerVersion(world.db, OLD, 'the beginning');
  await writer.commit(HISTORY);
  await world.settle(START_MS + 60_000);
  await world.takeBases();
});
afterAll(() => world.close());

async function placements(): Promise<number> {
  return await world.count('rollup_by_placement');
}

it('a rollup that no version of the database keeps is no offence: the audit notes what it needs', async () => {
  expect(await world.rollupOffences()).toEqual([]);
  expect(await world.rollupNotes()).toEqual([
    expect.stringMatching(/^rollup "placement" .* needs a backfill.* run --version 3/),
  ]);
  expect(await readRollupNeeds(world.db)).toEqual([
    { rollup: 'placement', keptBy: null, version: 3 },
  ]);
});

it('late impressions change only what their version keeps', async () => {
  await writer.commit([LATE]);
  expect(await world.applyNotes()).toBe(1);
  expect(await placements()).toBe(0);
  expect(await world.rollupOffences()).toEqual([]);
});

it('a backfill of a new version brings it, and readers see it once that is promoted', async () => {
  await registerVersion(world.db, NEW, 'the frontier');
  expect(await world.rollupNotes()).toEqual([
    expect.stringMatching(/^rollup "placement" is in version 3, which readers do not see yet/),
  ]);
  await expect(promote(world.db, NEW.version, OPERATOR)).rejects.toThrow(/lacks/);
  const plan = await planBackfill(world.db, NEW.version, {
    fromMs: null,
    toMs: null,
    by: 'cohort',
  });
  const runId = await startBackfill(world.db, plan, null, OPERATOR);
  const outcome = await workBackfill(world.db, runId, {
    parallelism: 1,
    baseRows: 100,
    lagMaxRecords: 1_000,
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  expect(outcome).toBe('done');
  await promote(world.db, NEW.version, OPERATOR);
  expect(await world.totals(NEW.version)).toEqual(
    referenceTotals([...HISTORY, LATE], DEFAULT_DEFINITION),
  );
  expect(await placements()).toBe(2);
  expect(await world.rollupNotes()).toEqual([]);
  expect(await world.rollupOffences()).toEqual([]);
});
