import { noteKnownEnds } from '@adtally/db';
import { expect, test } from 'vitest';
import { readIngestLag } from '../src/index.ts';
import { event, idAt, START_MS } from './events.ts';
import { World } from './world.ts';

test('ingest lags by what its consumers know of, halted partitions and closed sources left out', async () => {
  const world = await World.create();
  const writer = await world.writer();
  const { db } = world;
  await writer.commit([event({ id: idAt(START_MS, 1), type: 'impression', atMs: 0 })]);
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
  await world.close();
});
