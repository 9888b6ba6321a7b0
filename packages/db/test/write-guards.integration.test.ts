import { expect, test } from 'vitest';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { openSession } from '../testing/writer-session.ts';
import { readWriteGuards } from '../src/write-guards.ts';

test('the guards are the same through a pool and through the writer session', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const session = await openSession(database.url);
  expect(await readWriteGuards(db)).toEqual({ horizonMs: 0, frontierMs: 0 });
  await db
    .updateTable('write_guards')
    .set({ horizon_ms: 1_800_000_000_001n, frontier_ms: 1_800_000_000_002n })
    .execute();
  const guards = { horizonMs: 1_800_000_000_001, frontierMs: 1_800_000_000_002 };
  expect(await readWriteGuards(db)).toEqual(guards);
  expect(await readWriteGuards(session)).toEqual(guards);

  await db.deleteFrom('write_guards').execute();
  await expect(readWriteGuards(db)).rejects.toThrow('write_guards has lost its row');
  await expect(readWriteGuards(session)).rejects.toThrow('write_guards has lost its row');
  await session.close();
});
