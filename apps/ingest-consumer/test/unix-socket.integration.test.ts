import { migrate, openDatabase } from '@adtally/db';
import { hasPostgresServer, testPostgres } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

const EVENTS = 2_000;

test.runIf(hasPostgresServer())(
  'PostgreSQL on a unix socket restarted under a running consumer: the socket is gone for a while, which is no bug',
  async () => {
    const the = await stage();
    const server = await testPostgres();
    onTestFinished(() => server.close());
    await migrate(server.url);
    const db = openDatabase(server.url, { applicationName: 'test' });
    onTestFinished(() => db.destroy());
    const consumed = async () => {
      const { rows } = await sql<{
        sum: bigint;
      }>`SELECT coalesce(sum(consumed), 0)::bigint AS sum FROM ledger`.execute(db);
      return Number(rows[0]?.sum);
    };
    const consumer = the.start({ DATABASE_URL: server.url, BATCH_MAX_EVENTS: '200' });
    const before = await the.simulate(EVENTS);
    await consumer.until('all counted', async () => (await consumed()) === before.acked);

    await server.stop();
    // A pool's query, asked of a server that is not there, fails as one that may be asked again.
    await expect(consumed()).rejects.toThrow('ENOENT');
    const after = await the.simulate(EVENTS);
    await consumer.until('several tries', () => {
      const tries = consumer.entries.filter(({ msg }) => msg === 'waiting for PostgreSQL');
      return tries.length >= 3;
    });
    expect((await consumer.get('/livez')).status).toBe(200);
    await server.start();

    await consumer.until(
      'all counted again',
      async () => (await consumed()) === before.acked + after.acked,
    );
    await consumer.untilMetric('adtally_database_errors_total', 0, 'class="fatal"');
    expect((await consumer.stop()).code).toBe(0);
  },
);
