import { expect, test } from 'vitest';
import {
  listMisrouting,
  noteMisrouted,
  OTHER_SOURCES,
  type MisroutedRecords,
} from '../src/misrouted-sources.ts';
import { migratedDatabase } from '../testing/index.ts';

const seen = (source: string, more: Partial<MisroutedRecords> = {}): MisroutedRecords => ({
  source,
  cause: 'key',
  records: 1,
  partition: 0,
  offset: 1,
  detail: 'no key',
  ...more,
});

test('what is noted adds up by topic, source and cause, with the latest example', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await noteMisrouted(db, 'ads', []);
  await noteMisrouted(db, 'ads', [seen('web'), seen('app', { cause: 'partition', records: 2.6 })]);
  await noteMisrouted(db, 'other', [seen('web')]);
  await noteMisrouted(db, 'ads', [seen('web', { records: 4, partition: 3, offset: 90 })]);
  const listed = await listMisrouting(db, 'ads');
  expect(listed).toMatchObject([
    { source: 'web', records: 5, partition: 3, offset: 90 },
    { source: 'app', cause: 'partition', records: 3 },
  ]);
  expect(listed[0]?.lastSeenAt.getTime()).toBeGreaterThan(listed[0]?.firstSeenAt.getTime() ?? 0);
  expect(await listMisrouting(db)).toHaveLength(3);
});

test('a producer that names itself anew with each record fills no table', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  for (const turn of [0, 1, 2]) {
    const names = Array.from({ length: 100 }, (_, n) => `${turn}-${n}`);
    await noteMisrouted(
      db,
      'ads',
      names.map((name) => seen(name)),
    );
  }
  const listed = await listMisrouting(db, 'ads');
  expect(listed).toHaveLength(201);
  expect(listed.find(({ source }) => source === OTHER_SOURCES)?.records).toBe(100);
  await noteMisrouted(db, 'ads', [seen('0-7'), seen('yet another')]);
  expect(await listMisrouting(db, 'ads')).toHaveLength(201);
});
