import { sql } from 'kysely';
import { databaseUrl } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { openDatabase } from '../src/database.ts';

test('a connection whose query was given up is not used again: the next one is answered by another', async () => {
  const db = openDatabase(await databaseUrl(), {
    applicationName: 'test',
    maxConnections: 1,
    statementTimeoutMs: 1_000,
  });
  const pid = async () => {
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(db);
    return rows[0]?.pid;
  };
  const before = await pid();
  // A server that says nothing: it would not end this statement within the test.
  await sql`SET statement_timeout = 0`.execute(db);
  await expect(sql`SELECT pg_sleep(120)`.execute(db)).rejects.toThrow('Query read timeout');
  const after = await pid();
  expect(after).toEqual(expect.any(Number));
  expect(after).not.toBe(before);
  await sql`SELECT pg_terminate_backend(${before}::int)`.execute(db);
  await db.destroy();
});
