import { noteKnownEnds } from '@adtally/db';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readFreshness, readIngestLag } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World, type Writer } from './world.ts';

let world: World;
let writer: Writer;
beforeAll(async () => {
  world = await World.create();
  writer = await world.writer();
});
beforeEach(() => world.clear());
afterAll(() => world.close());

const SETTLED_MS = START_MS + 60_000;
const IMPRESSION = event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0 });
const CLICK = event({ id: idAt(START_MS, 1), type: 'click', atMs: 1_000 });

test('freshness names the bases, notes and versions that wait, and how old they are', async () => {
  const nothing = { oldestNoteSeconds: 0, waitingNotes: 0, newestCohortSeconds: null };
  expect(await readFreshness(world.db)).toEqual({
    ...nothing,
    waitingBases: 0,
    unclaimedVersions: 0,
    frontierMs: 0,
  });
  await writer.commit([IMPRESSION]);
  await world.settle(SETTLED_MS);
  // The ids without a time are claimed with the version; nobody has claimed the cohorts.
  expect(await readFreshness(world.db)).toEqual({
    ...nothing,
    waitingBases: 1,
    unclaimedVersions: 1,
    frontierMs: SETTLED_MS,
  });
  await world.takeBases();
  const fresh = await readFreshness(world.db);
  expect(fresh).toMatchObject({ waitingBases: 0, unclaimedVersions: 0, waitingNotes: 0 });
  const expectedSeconds = (Date.now() - SETTLED_MS) / 1_000;
  expect(Math.abs((fresh.newestCohortSeconds ?? 0) - expectedSeconds)).toBeLessThan(600);
  await writer.commit([CLICK]);
  const late = await readFreshness(world.db);
  expect(late.waitingNotes).toBe(1);
  expect(late.oldestNoteSeconds).toBeGreaterThan(0);
  await world.applyNotes();
  expect(await readFreshness(world.db)).toMatchObject({ waitingNotes: 0, oldestNoteSeconds: 0 });
});

test('ingest lags by what its consumers know of, halted partitions and closed sources left out', async () => {
  const { db } = world;
  expect(await readIngestLag(db)).toBe(0);
  const ahead = BigInt(writer.nextOffset) + 8n;
  const sources = await db.selectFrom('sources').select('source_id').execute();
  await noteKnownEnds(db, new Map(sources.map(({ source_id }) => [source_id, ahead])));
  expect(await readIngestLag(db)).toBe(8);
  await db
    .updateTable('cursors')
    .set({ halted_code: 'truncated', halted_detail: '', halted_at: new Date() })
    .execute();
  expect(await readIngestLag(db)).toBe(0);
  await db
    .updateTable('cursors')
    .set({ halted_code: null, halted_detail: null, halted_at: null })
    .execute();
  expect(await readIngestLag(db)).toBe(8);
  await db.updateTable('sources').set({ closed_at: new Date() }).execute();
  expect(await readIngestLag(db)).toBe(0);
});
