import { migrate, openDatabase } from '@adtally/db';
import {
  guardedPostgres,
  hasPostgresServer,
  hasRedisServer,
  tcpProxy,
  testPostgres,
  testRedis,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { expectExact } from './support/truth.ts';
import { stage } from './support/stage.ts';

const CONFIG_ERROR = 78;
const EVENTS = 1_000;
const TIMEOUT_MS = 120_000;

/** A PostgreSQL of its own with our schema, whose role `app` logs in by a password. */
async function withPassword() {
  const postgres = await guardedPostgres();
  onTestFinished(() => postgres.close());
  await migrate(postgres.url);
  const db = openDatabase(postgres.url, { applicationName: 'test' });
  onTestFinished(() => db.destroy());
  const counted = async () => {
    const { rows } = await sql<{
      sum: bigint;
    }>`SELECT coalesce(sum(consumed), 0)::bigint AS sum FROM ledger`.execute(db);
    return Number(rows[0]?.sum);
  };
  return { ...postgres, counted };
}

test.runIf(hasRedisServer())(
  'started before every server it needs: alive and not ready, says which, and counts once they are there',
  { timeout: TIMEOUT_MS },
  async () => {
    const the = await stage();
    const [host = '', port = ''] = the.settings.brokers.split(':');
    const kafka = await tcpProxy({ host, port: Number(port) });
    const redis = await testRedis();
    onTestFinished(async () => void (await Promise.all([kafka.close(), redis.close()])));
    for (const proxy of [the.proxy, kafka]) proxy.refuse(true);
    await redis.stop();
    const consumer = the.start({
      ...the.proxied,
      KAFKA_BROKERS: `${kafka.host}:${kafka.port}`,
      REDIS_URL: redis.url,
    });
    await consumer.untilNotReady('PostgreSQL');
    expect((await consumer.get('/livez')).status).toBe(200);
    the.proxy.refuse(false);
    await consumer.untilNotReady('Kafka');
    expect((await consumer.get('/livez')).status).toBe(200);
    kafka.refuse(false);
    await consumer.untilReady();
    const truth = await the.simulate(EVENTS);
    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
  },
);

test.each([
  ['a server that speaks no TLS', 'sslmode=require', 'SSL'],
  ['a parameter the server does not know', 'options=-c%20nonsense%3D1', 'nonsense'],
])('waiting cannot help: %s ends the start with 78', async (_what, parameter, words) => {
  const the = await stage();
  const url = new URL(the.databaseUrl);
  url.search = parameter;
  const { code, stderr } = await the.start({ DATABASE_URL: url.href }).ended;
  expect(code).toBe(CONFIG_ERROR);
  expect(stderr).toContain(words);
});

test.runIf(hasPostgresServer())(
  'a wrong password at start: not ready for so long, then 78',
  async () => {
    const [the, postgres] = await Promise.all([stage(), withPassword()]);
    const consumer = the.start({
      DATABASE_URL: postgres.urlWith('wrong'),
      REFUSED_MAX_MS: '3s',
    });
    await consumer.untilNotReady('password authentication failed');
    const { code, stderr } = await consumer.ended;
    expect(code).toBe(CONFIG_ERROR);
    expect(stderr).toContain('password authentication failed');
  },
);

test.runIf(hasPostgresServer())(
  'a password changed under a running consumer: waited for, not ready, and it goes on once it is right',
  async () => {
    const [the, postgres] = await Promise.all([stage(), withPassword()]);
    const consumer = the.start({ DATABASE_URL: postgres.urlWith('right'), REFUSED_MAX_MS: '1s' });
    await consumer.untilReady();
    await postgres.run("ALTER ROLE app PASSWORD 'changed'");
    await postgres.cutSessions();
    // Nothing arrives meanwhile: an idle member has to find out by itself.
    await consumer.untilNotReady('password authentication failed');
    await the.simulate(EVENTS);
    await consumer.until('tries for longer than a first login may be refused', () =>
      consumer.entries.some(({ waited_s: waited }) => Number(waited) >= 2),
    );
    expect((await consumer.get('/livez')).status).toBe(200);
    await postgres.run("ALTER ROLE app PASSWORD 'right'");
    await consumer.until('all counted', async () => (await postgres.counted()) === EVENTS);
    await consumer.untilReady();
    expect((await consumer.stop()).code).toBe(0);
  },
);

test.runIf(hasPostgresServer())(
  'an idle consumer is ready again after a restart of PostgreSQL, without a record',
  async () => {
    const the = await stage();
    const server = await testPostgres();
    onTestFinished(() => server.close());
    await migrate(server.url);
    const consumer = the.start({ DATABASE_URL: server.url });
    await consumer.untilReady();
    await server.stop();
    await consumer.untilNotReady('database_unreachable');
    await server.start();
    await consumer.untilReady();
    expect((await consumer.status()).owned).toHaveLength(4);
  },
);

test.runIf(hasPostgresServer())(
  'a right taken away is waited for by its name, and nothing is dead-lettered for it',
  async () => {
    const [the, postgres] = await Promise.all([stage(), withPassword()]);
    await postgres.run('ALTER ROLE app NOSUPERUSER');
    await postgres.run('GRANT ALL ON ALL TABLES IN SCHEMA public TO app');
    await postgres.run('GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO app');
    await postgres.run('GRANT ALL ON ALL FUNCTIONS IN SCHEMA public TO app');
    const consumer = the.start({ DATABASE_URL: postgres.urlWith('right') });
    await consumer.untilReady();
    await postgres.run('REVOKE INSERT ON events FROM app');
    const truth = await the.simulate(EVENTS);
    await consumer.untilNotReady('permission denied');
    expect((await consumer.get('/livez')).status).toBe(200);
    await postgres.run('GRANT INSERT ON events TO app');
    await consumer.until('all counted', async () => (await postgres.counted()) === truth.acked);
    await consumer.untilReady();
  },
);

test('a schema that does not fit any more after a reconnect is waited for, and nothing is written before it does', async () => {
  const the = await stage();
  const consumer = the.start(the.proxied);
  await consumer.untilReady();
  await sql`INSERT INTO kysely_migration (name, timestamp) VALUES ('9999_restored_elsewhere', '')`.execute(
    the.db,
  );
  the.proxy.cutAll();
  await consumer.untilNotReady('schema_mismatch');
  const truth = await the.simulate(EVENTS);
  await consumer.until('it is said again', () =>
    consumer.entries.some(
      ({ reason, waited_s: waited }) => reason === 'schema_mismatch' && Number(waited) > 2,
    ),
  );
  expect(await the.consumed()).toBe(0);
  await sql`DELETE FROM kysely_migration WHERE name LIKE '9999%'`.execute(the.db);
  await the.untilConsumed(truth.acked, consumer);
  await consumer.untilReady();
});
