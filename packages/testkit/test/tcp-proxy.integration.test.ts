import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  answersCommit,
  proxyFor,
  sendsCommit,
  testDatabase,
  waitFor,
  type TcpProxy,
} from '../src/index.ts';

async function createTable(url: string): Promise<void> {
  await withClient(url, (client) => client.query('CREATE TABLE t (n int)'));
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function rowCount(url: string): Promise<number> {
  const result = await withClient(url, (client) =>
    client.query<{ n: number }>('SELECT count(*)::int AS n FROM t'),
  );
  return result.rows[0]?.n ?? -1;
}

async function insertThrough(proxy: TcpProxy, url: string): Promise<unknown> {
  return withClient(proxy.urlFor(url), async (client) => {
    await client.query('BEGIN');
    await client.query('INSERT INTO t VALUES (1)');
    await client.query('COMMIT');
  }).then(
    () => 'committed',
    (error: unknown) => error,
  );
}

test.each([0, 2])('forwards a whole session unchanged, delayed by %i ms', async (delayMs) => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  proxy.delay(delayMs);
  const text = Array.from({ length: 100_000 }, (_, n) => n).join();
  const echoed = await withClient(proxy.urlFor(database.url), (client) =>
    client.query<{ text: string }>('SELECT $1::text AS text', [text]),
  );
  expect(echoed.rows[0]?.text).toBe(text);
});

test('cuts between a COMMIT reaching the server and its answer reaching the client', async () => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  const cut = proxy.cutBeforeAnswerTo(sendsCommit, answersCommit);
  const outcome = await insertThrough(proxy, database.url);
  await cut;
  expect(outcome).toBeInstanceOf(Error);
  expect(await rowCount(database.url)).toBe(1);
  expect(await insertThrough(proxy, database.url)).toBe('committed'); // the trap springs once
});

test('cuts before a COMMIT reaches the server', async () => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  const cut = proxy.cutBeforeForwarding(sendsCommit);
  const outcome = await insertThrough(proxy, database.url);
  await cut;
  expect(outcome).toBeInstanceOf(Error);
  expect(await rowCount(database.url)).toBe(0);
});

test('a hook can drop, and cut after forwarding', async () => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  proxy.onClientData((bytes) => (sendsCommit(bytes) ? 'cut-after' : 'forward'));
  expect(await insertThrough(proxy, database.url)).toBeInstanceOf(Error);
  await waitFor(async () => (await rowCount(database.url)) === 1, { what: 'the forwarded commit' });
  proxy.onClientData(undefined);
  expect(await insertThrough(proxy, database.url)).toBe('committed');
});

test('a black hole holds the bytes and lets them go when it ends', async () => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  await withClient(proxy.urlFor(database.url), async (client) => {
    await client.query('SELECT 1');
    proxy.blackhole(true);
    let answered = false;
    const answer = client.query('INSERT INTO t VALUES (1)').then(() => (answered = true));
    expect(await rowCount(database.url)).toBe(0);
    expect(answered).toBe(false);
    proxy.blackhole(false);
    await answer;
  });
  expect(await rowCount(database.url)).toBe(1);
});

test('cutAll resets open connections, refuse the new ones', async () => {
  await using database = await testDatabase(createTable);
  await using proxy = await proxyFor(database.url);
  await withClient(proxy.urlFor(database.url), async (client) => {
    const asleep = client.query('SELECT pg_sleep(30)');
    asleep.catch(() => undefined);
    await waitFor(() => proxy.connections === 1, { what: 'the connection' });
    proxy.cutAll();
    await expect(asleep).rejects.toThrow(/ECONNRESET|terminated/);
  });
  proxy.refuse(true);
  await expect(withClient(proxy.urlFor(database.url), async () => 1)).rejects.toThrow(
    /ECONNRESET|terminated/,
  );
  expect(proxy.connections).toBe(0);
});
