import { expect, test } from 'vitest';
import { firingKeys, requestNotification } from '../src/index.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';

test('an alert is firing while the latest request for its key says so, whatever other alerts say', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ask = (alert: string, key: string, status: 'firing' | 'resolved') =>
    requestNotification(db, { alert, key, status, summary: '', detail: {}, requestedBy: 'a test' });
  await ask('Flood', 't/0', 'firing');
  await ask('Flood', 't/1', 'firing');
  await ask('Flood', 't/1', 'resolved');
  await ask('Flood', 't/2', 'resolved');
  await ask('Flood', 't/2', 'firing');
  await ask('Drought', 't/2', 'resolved');
  await ask('Drought', 't/3', 'firing');
  await ask('Flood', 't/4', 'firing');

  const keys = ['t/0', 't/1', 't/2', 't/3'];
  expect(await firingKeys(db, 'Flood', keys)).toEqual(['t/0', 't/2']);
  expect(await firingKeys(db, 'Flood', [])).toEqual([]);
});
