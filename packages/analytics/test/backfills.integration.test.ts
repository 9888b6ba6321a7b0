import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  COHORT_MS,
  cohortAt,
  DEFAULT_DEFINITION,
  listBackfills,
  orderBackfill,
  planBackfill,
  readBackfill,
  startBackfill,
  takeNextBase,
} from '../src/index.ts';
import { attendBackfill, endBackfill } from '../src/backfills.ts';
import { event, idAt, START_MS } from './events.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
});
beforeEach(async () => {
  await world.db.deleteFrom('backfill_runs').execute();
  await world.clear();
  await world.db.updateTable('write_guards').set({ horizon_ms: 0n }).execute();
});
afterAll(() => world.close());

const { version } = DEFAULT_DEFINITION;
const HOUR_MS = 3_600_000;
const BY = { actor: 'tester', reason: 'a test' };
const ALL = { fromMs: null, toMs: null, by: 'cohort' } as const;

/** Three impressions at the beginning of each hour from START_MS on: as many as a base holds. All taken. */
async function threeHours(): Promise<void> {
  for (const hour of [0, 1, 2]) {
    const atMs = hour * HOUR_MS;
    const ids = [1, 2, 3].map((n) => idAt(START_MS + atMs, n));
    await writer.commit(ids.map((id) => event({ id, type: 'impression', atMs })));
  }
  await world.settle(START_MS + 3 * HOUR_MS);
  await world.takeBases();
}

test('a plan counts the bases and events of a range, by birth or by when events occurred', async () => {
  const { db } = world;
  await expect(planBackfill(db, version, ALL)).rejects.toThrow('nobody keeps rollups');
  await threeHours();
  const all = await planBackfill(db, version, ALL);
  expect(all).toMatchObject({ version, events: 9, takenBases: all.bases });
  expect(all.bases).toBe(await world.count(`rollup_bases WHERE version = ${version}`));
  const second = { fromMs: START_MS + HOUR_MS, toMs: START_MS + 2 * HOUR_MS };
  expect(await planBackfill(db, version, { ...second, by: 'cohort' })).toMatchObject({
    range: { first: cohortAt(second.fromMs), last: cohortAt(second.toMs - 1) },
    events: 3,
  });
  const born = cohortAt(second.fromMs);
  expect(await planBackfill(db, version, { ...second, by: 'event-time' })).toMatchObject({
    range: { first: born, last: born },
    events: 3,
  });
  expect(
    await planBackfill(db, version, { fromMs: second.fromMs, toMs: null, by: 'event-time' }),
  ).toMatchObject({ range: { first: born, last: cohortAt(second.toMs) }, events: 6 });
  const never = { fromMs: null, toMs: START_MS - HOUR_MS, by: 'event-time' } as const;
  await expect(planBackfill(db, version, never)).rejects.toThrow('no settled cohort');
});

test('a plan that begins before what retention took is refused; one of everything leaves that as it is', async () => {
  const { db } = world;
  await threeHours();
  const horizonMs = START_MS + HOUR_MS;
  await db
    .updateTable('write_guards')
    .set({ horizon_ms: BigInt(horizonMs) })
    .execute();
  const below = { ...ALL, fromMs: horizonMs - 1 };
  await expect(planBackfill(db, version, below)).rejects.toThrow('were purged');
  expect(await planBackfill(db, version, ALL)).toMatchObject({ purgedBeforeMs: horizonMs });
  const above = { ...ALL, fromMs: horizonMs };
  expect(await planBackfill(db, version, above)).toMatchObject({ events: 6, purgedBeforeMs: 0 });
  // A base that begins below the horizon reaches into this range: it cannot be taken again.
  const within = { ...ALL, fromMs: horizonMs + COHORT_MS };
  await db
    .updateTable('write_guards')
    .set({ horizon_ms: BigInt(within.fromMs) })
    .execute();
  await expect(planBackfill(db, version, within)).rejects.toThrow('were purged');
});

test('a backfill counts what it took; it is attended, paused, resumed and ended by its states', async () => {
  const { db } = world;
  await threeHours();
  const plan = await planBackfill(db, version, ALL);
  const first = await startBackfill(db, plan, null, BY);
  const runId = await startBackfill(db, plan, 50, BY);
  expect((await listBackfills(db)).map((backfill) => backfill.runId)).toEqual([runId, first]);
  expect(await readBackfill(db, runId)).toMatchObject({
    runId,
    version,
    range: plan.range,
    state: 'running',
    rate: 50,
    actor: 'tester',
    endedAt: null,
    basesDone: 0,
    basesLeft: plan.bases,
    eventsDone: 0,
  });
  const base = await takeNextBase(db, DEFAULT_DEFINITION, { runId, range: plan.range });
  expect(await readBackfill(db, runId)).toMatchObject({
    basesDone: 1,
    basesLeft: plan.bases - 1,
    eventsDone: Number(base?.events),
  });
  expect(await readBackfill(db, first)).toMatchObject({ basesDone: 0, basesLeft: plan.bases });

  await orderBackfill(db, runId, 'pause', BY);
  expect(await attendBackfill(db, runId)).toEqual({ state: 'paused', rate: 50 });
  expect(await readBackfill(db, runId)).toMatchObject({ isAttended: true, endedAt: null });
  await expect(orderBackfill(db, runId, 'pause', BY)).rejects.toThrow('it cannot pause');
  await orderBackfill(db, runId, 'resume', BY);
  await endBackfill(db, runId, 'done');
  const done = await readBackfill(db, runId);
  expect(done).toMatchObject({ state: 'done', isAttended: false });
  expect(done.endedAt).toBeInstanceOf(Date);
  await expect(orderBackfill(db, runId, 'resume', BY)).rejects.toThrow('it cannot resume');
  await orderBackfill(db, first, 'cancel', BY);
  // Its process ends it after the operator has: what the operator said stands.
  await endBackfill(db, first, 'paused');
  expect(await readBackfill(db, first)).toMatchObject({ state: 'cancelled' });
  await expect(readBackfill(db, 0n)).rejects.toThrow('there is no backfill 0');
  await expect(attendBackfill(db, 0n)).rejects.toThrow('there is no backfill 0');
});
