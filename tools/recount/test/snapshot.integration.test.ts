import { openDatabase } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { testDatabase, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { type Recounted, recount } from '../src/index.ts';

test('the database is read in a snapshot that is taken once no day is being made', async () => {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test' });
  onTestFinished(async () => {
    await db.destroy();
    await database.drop();
  });
  const started: Promise<Recounted>[] = [];
  const waiting = async () => {
    const { rows } = await sql<{ query: string }>`SELECT query FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'psql' AND wait_event_type = 'Lock'`.execute(
      db,
    );
    return rows[0]?.query;
  };
  await db.transaction().execute(async (trx) => {
    // As whoever makes a day's partition (docs/adr/0036). A query that waited here would have its snapshot already.
    await sql`LOCK TABLE ONLY events IN ACCESS EXCLUSIVE MODE`.execute(trx);
    started.push(recount(['rows'], { ...process.env, DATABASE_URL: database.url }));
    await waitFor(async () => (await waiting()) !== undefined, { what: 'the recount to wait' });
    expect(await waiting()).toBe('LOCK TABLE events IN ACCESS SHARE MODE;');
  });
  await Promise.all(started);
});
