import { randomUUID } from 'node:crypto';
import { databaseUrl } from '@adtally/testkit';
import { expect, test } from 'vitest';
import {
  createDatabase,
  databaseExists,
  dropDatabase,
  migrate,
  openDatabase,
} from '../src/index.ts';

function uniqueName(): string {
  return `adtally_test_${randomUUID().replaceAll('-', '')}`;
}

test('a database is made, used, and dropped even while a session is in it', async () => {
  const server = await databaseUrl();
  const name = uniqueName();
  const url = await createDatabase(server, name);
  await migrate(url);
  const db = openDatabase(url, { applicationName: 'create-database-test', maxConnections: 1 });
  try {
    expect(await db.selectFrom('sources').selectAll().execute()).toEqual([]);
    expect(await databaseExists(server, name)).toBe(true);
    await dropDatabase(server, name);
    expect(await databaseExists(server, name)).toBe(false);
    await dropDatabase(server, name);
  } finally {
    await db.destroy();
  }
});

test.each(['', 'Upper', 'semi;colon', 'quo"te', 'a'.repeat(64)])(
  'the name %j is refused before the server sees it',
  async (name) => {
    await expect(createDatabase('postgres://nobody@127.0.0.1:1/none', name)).rejects.toThrow(
      RangeError,
    );
  },
);
