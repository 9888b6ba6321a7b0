import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { hasPgBouncer, testPgBouncer, type TestPgBouncer } from '@adtally/testkit';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  type Database,
  databaseFailure,
  migrate,
  openDatabase,
  withDatabase,
} from '../src/index.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { openSession } from '../testing/writer-session.ts';

const isSkipped = !hasPgBouncer();

let database: Awaited<ReturnType<typeof migratedDatabase>>;

beforeAll(async () => {
  database = await migratedDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

async function pooler(settings: Readonly<Record<string, string>> = {}): Promise<TestPgBouncer> {
  const started = await testPgBouncer(database.url, { settings });
  onTestFinished(started.close);
  return started;
}

/** A stranger's session through the same pooler. */
async function stranger(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  return client;
}

async function pool(url: string): Promise<Database> {
  const db = openDatabase(url, { applicationName: 'test', maxConnections: 2 });
  onTestFinished(() => db.destroy());
  return db;
}

const REFUSAL = /^DATABASE_URL leads through a pooler in transaction or statement mode/;

test.skipIf(isSkipped)(
  'a pooler in session mode, by its defaults, serves writer, pool and migration',
  async () => {
    const url = (await pooler()).urlFor(database.url);
    expect((await migrate(url)).applied).toEqual([]);
    const session = await openSession(url);
    onTestFinished(() => session.close());
    const [row] = await session.query<Record<string, string>>(
      `SELECT current_setting('enable_seqscan') AS plans, current_setting('search_path') AS path`,
    );
    expect(row).toEqual({ plans: 'off', path: 'public' });
    const { rows } = await sql<{ timeout: string }>`SHOW statement_timeout`.execute(
      await pool(url),
    );
    expect(rows).toEqual([{ statement_timeout: '30s' }]);
  },
);

test.skipIf(isSkipped)('what a session stated is not met by the next one', async () => {
  const through = await pooler({ default_pool_size: '4' });
  const url = through.urlFor(database.url);
  const session = await openSession(url);
  await session.close();
  for (let process = 0; process < 4; process += 1) {
    const { rows } = await (await stranger(url)).query('SHOW enable_seqscan');
    expect(rows).toEqual([{ enable_seqscan: 'on' }]);
  }
});

for (const mode of ['transaction', 'statement']) {
  for (const size of ['1', '5']) {
    test.skipIf(isSkipped)(
      `${mode} mode with ${size} server connections is refused by name, and nothing leaks`,
      async () => {
        const through = await pooler({ pool_mode: mode, default_pool_size: size });
        const url = through.urlFor(database.url);
        const other = await stranger(url);
        const before = await settingsOf(other);
        const ways: Record<string, () => Promise<unknown>> = {
          writer: () => openSession(url),
          pool: async () => sql`SELECT 1`.execute(await pool(url)),
          migration: () => migrate(url),
        };
        const refused = { failure: { kind: 'hopeless', code: 'database_pooler' }, isSaid: true };
        for (const [way, connect] of Object.entries(ways)) {
          const error = await connect().then(
            () => new Error('it was let in'),
            (thrown: Error) => thrown,
          );
          const said = { failure: databaseFailure(error), isSaid: REFUSAL.test(error.message) };
          expect({ way, ...said }).toMatchObject({ way, ...refused });
        }
        await expect(
          withDatabase(url, { applicationName: 'test' }, () => Promise.resolve()),
        ).rejects.toMatchObject({ exitCode: 78, message: expect.stringMatching(REFUSAL) });
        for (let asked = 0; asked < 5; asked += 1) expect(await settingsOf(other)).toEqual(before);
      },
    );
  }
}

test.skipIf(isSkipped)(
  'transaction mode is recognised among strangers that come and go',
  async () => {
    const through = await pooler({ pool_mode: 'transaction', default_pool_size: '4' });
    const url = through.urlFor(database.url);
    const over = new AbortController();
    const noise = Promise.all(
      Array.from({ length: 6 }, async () => {
        const client = await stranger(url);
        while (!over.signal.aborted)
          await client.query('SELECT count(*) FROM pg_class').catch(() => undefined);
      }),
    );
    for (let attempt = 0; attempt < 10; attempt += 1) {
      await expect(openSession(url)).rejects.toThrow(REFUSAL);
    }
    over.abort();
    await noise;
  },
);

/** Connects whoever comes to the next of these ports in turn, as balancers do that stand before several poolers. */
async function roundRobin(ports: readonly number[]): Promise<number> {
  let next = 0;
  const server = createServer((incoming) => {
    const outgoing = createConnection(ports[next++ % ports.length] as number, '127.0.0.1');
    pipeline(incoming, outgoing, incoming).catch(() => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

for (const mode of ['transaction', 'session']) {
  test.skipIf(isSkipped)(
    `two poolers in ${mode} mode behind one address are told as one is`,
    async () => {
      const poolers = [await pooler({ pool_mode: mode }), await pooler({ pool_mode: mode })];
      const url = new URL(poolers[0]?.urlFor(database.url) ?? '');
      const ports = poolers.map((one) => Number(new URL(one.urlFor(database.url)).port));
      url.port = String(await roundRobin(ports));
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const said = await openSession(url.href).then(
          (session) => session.close().then(() => 'session'),
          (error: unknown) => databaseFailure(error)?.code,
        );
        expect(said).toBe(mode === 'session' ? 'session' : 'database_pooler');
      }
    },
  );
}

test.skipIf(isSkipped)('a pooler in session mode that is full is waited for by name', async () => {
  const full = await pooler({ default_pool_size: '1', query_wait_timeout: '1' });
  const error = await openSession(full.urlFor(database.url)).catch((thrown: unknown) => thrown);
  expect(databaseFailure(error)).toMatchObject({
    kind: 'away',
    code: 'database_unreachable',
    detail: expect.stringMatching(/a pooler that gives no further session .*default_pool_size/),
  });
});

/** All but the name of who asked last, which PgBouncer itself leaves to one that gives none. */
async function settingsOf(client: Client): Promise<unknown[]> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    "SELECT name, setting FROM pg_settings WHERE name <> 'application_name' ORDER BY name",
  );
  return rows;
}
