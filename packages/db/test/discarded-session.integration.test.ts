import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { databaseFailureAtWork } from '../src/server-failure.ts';
import { migratedDatabase } from '../testing/index.ts';

test('a session that ended within a transaction is told as away at its next statements too', async () => {
  await using database = await migratedDatabase();
  await database.db.connection().execute(async (session) => {
    const ended = session.transaction().execute(async (trx) => {
      await sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(trx);
    });
    await expect(ended).rejects.toThrow(/terminat/i);
    const next = await sql`SELECT 1`.execute(session).catch((error: unknown) => error);
    expect(databaseFailureAtWork(next)).toMatchObject({
      kind: 'away',
      code: 'database_unreachable',
      detail: 'Postgres connection has been discarded',
    });
  });
});
