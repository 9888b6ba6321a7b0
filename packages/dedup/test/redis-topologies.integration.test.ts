import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { Secret } from '@adtally/config';
import type { EventBatch } from '@adtally/event-schema';
import { freePort, hasRedisServer, selfSigned, testRedis, waitFor } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDeduplicator, type Deduplicator } from '../src/index.ts';
import { answered, batchOf, fastRows, someEvents } from './batches.ts';

const ROWS = 500;

function connect(url: string | Secret): Deduplicator {
  const dedup = createDeduplicator({
    url,
    ttlSeconds: 600,
    keyPrefix: 'test',
    budgetMs: 10_000,
    onEvent: () => undefined,
  });
  onTestFinished(() => dedup.close());
  return dedup;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'adtally-redis-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A sentinel that watches the given master and replaces it once it is gone for half a second; returns its port. */
async function startSentinel(masterPort: string): Promise<number> {
  // Not the master's neighbour: another test may listen there.
  const port = await freePort();
  const file = path.join(await temporaryFolder(), 'sentinel.conf');
  const lines = [
    `port ${port}`,
    `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`,
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 2000',
    '',
  ];
  await writeFile(file, lines.join('\n'));
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await exited;
  });
  return port;
}

async function server(config: Readonly<Record<string, string>> = {}) {
  const redis = await testRedis({ config });
  onTestFinished(() => redis.close());
  return redis;
}

const portOf = (url: string): string => new URL(url).port;

/** Asks one of the servers, over and over, until it says so. */
async function untilSaid(url: string, words: RegExp, ...command: [string, ...string[]]) {
  const client = new Redis(url);
  client.on('error', () => undefined);
  try {
    const said = async () => words.test(String(await client.call(...command)));
    await waitFor(said, { what: `${command.join(' ')}: ${words}`, timeoutMs: 30_000 });
  } finally {
    client.disconnect();
  }
}

/** New events are told to be new, and known when they come again. */
async function expectMemory(dedup: Deduplicator): Promise<EventBatch> {
  expect(await dedup.ready(10_000)).toBe(true);
  const batch = batchOf(someEvents(ROWS));
  expect(await dedup.route(batch)).toEqual(answered({ fast: ROWS }));
  expect(await dedup.route(batch)).toEqual(answered({ verified: ROWS }));
  return batch;
}

/** New events are asked about and marked again; what the former master knew need not be known. */
async function untilItWorks(dedup: Deduplicator): Promise<void> {
  const batch = batchOf(someEvents(ROWS));
  await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', {
    what: 'an answer of the new master',
    timeoutMs: 30_000,
  });
  expect(await dedup.route(batch)).toEqual(answered({ verified: ROWS }));
}

describe.runIf(hasRedisServer())('with servers of its own', () => {
  test('works on a cluster: every command touches one key', async () => {
    const dir = await temporaryFolder();
    const redis = await testRedis({
      config: { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1', dir },
    });
    onTestFinished(() => redis.close());
    const node = new Redis(redis.url);
    await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await waitFor(async () => /cluster_state:ok/.test(String(await node.call('CLUSTER', 'INFO'))), {
      what: 'the cluster',
    });
    node.disconnect();
    const dedup = connect(redis.url.replace('redis://', 'redis+cluster://'));
    const batch = await expectMemory(dedup);
    await redis.stop();
    await waitFor(async () => (await dedup.route(batch)).outcome === 'error', { what: 'the loss' });
    expect(fastRows(batch)).toEqual([]);
  });

  test('finds the master through a sentinel', async () => {
    const redis = await testRedis();
    onTestFinished(() => redis.close());
    const sentinelPort = await startSentinel(new URL(redis.url).port);
    const dedup = connect(`redis+sentinel://127.0.0.1:${sentinelPort}/mymaster/3`);
    await expectMemory(dedup);
    const database = new Redis(`${redis.url}/3`);
    onTestFinished(() => database.disconnect());
    expect((await database.keys('test:*')).length).toBeGreaterThan(0);
  });

  test('follows the sentinel to the replica that became master', async () => {
    const master = await server();
    const replica = await server({ replicaof: `127.0.0.1 ${portOf(master.url)}` });
    const sentinelPort = await startSentinel(portOf(master.url));
    const sentinel = `redis://127.0.0.1:${sentinelPort}`;
    await untilSaid(sentinel, new RegExp(portOf(replica.url)), 'SENTINEL', 'REPLICAS', 'mymaster');
    const dedup = connect(`redis+sentinel://127.0.0.1:${sentinelPort}/mymaster`);
    expect(await dedup.ready(10_000)).toBe(true);
    await dedup.route(batchOf(someEvents(ROWS)));
    await master.stop();
    await untilSaid(replica.url, /^master/, 'ROLE');
    await untilItWorks(dedup);
  });

  test('follows a cluster to the replica that took the slots over', async () => {
    const nodes = await Promise.all(
      Array.from({ length: 4 }, async () =>
        server({
          'cluster-enabled': 'yes',
          'cluster-announce-ip': '127.0.0.1',
          'cluster-node-timeout': '1000',
          dir: await temporaryFolder(),
        }),
      ),
    );
    const [first, second, third, replica] = nodes.map(({ url }) => url) as [
      string,
      string,
      string,
      string,
    ];
    const ask = async (url: string, ...command: string[]) => {
      const client = new Redis(url);
      return String(await client.call('CLUSTER', ...command).finally(() => client.disconnect()));
    };
    await ask(first, 'ADDSLOTSRANGE', '0', '5460');
    await ask(second, 'ADDSLOTSRANGE', '5461', '10922');
    await ask(third, 'ADDSLOTSRANGE', '10923', '16383');
    for (const url of [second, third, replica]) {
      await ask(url, 'MEET', '127.0.0.1', portOf(first));
    }
    const owner = await ask(first, 'MYID');
    await untilSaid(replica, new RegExp(owner), 'CLUSTER', 'NODES');
    await ask(replica, 'REPLICATE', owner);
    for (const url of [first, second, third]) {
      await untilSaid(url, /cluster_state:ok[^]*cluster_known_nodes:4/, 'CLUSTER', 'INFO');
      await untilSaid(url, /slave/, 'CLUSTER', 'NODES');
    }
    await untilSaid(replica, /master_link_status:up/, 'INFO', 'replication');
    const dedup = connect(second.replace('redis://', 'redis+cluster://'));
    expect(await dedup.ready(10_000)).toBe(true);
    await dedup.route(batchOf(someEvents(ROWS)));
    await nodes[0]?.stop();
    await untilSaid(replica, /^master/, 'ROLE');
    await untilSaid(second, /cluster_state:ok/, 'CLUSTER', 'INFO');
    await untilItWorks(dedup);
  });

  test('speaks TLS to whom the machine trusts, and to nobody else', async () => {
    const own = selfSigned();
    const dir = await temporaryFolder();
    await writeFile(path.join(dir, 'key.pem'), own.key);
    await writeFile(path.join(dir, 'cert.pem'), own.cert);
    const port = await freePort();
    await server({
      'tls-port': String(port),
      'tls-cert-file': path.join(dir, 'cert.pem'),
      'tls-key-file': path.join(dir, 'key.pem'),
      'tls-auth-clients': 'no',
    });
    const stranger = connect(`rediss://127.0.0.1:${port}`);
    expect(await stranger.ready(1_000)).toBe(false);
    const trusted = getCACertificates('default');
    onTestFinished(() => setDefaultCACertificates(trusted));
    setDefaultCACertificates([...trusted, own.cert]);
    await untilItWorks(connect(`rediss://127.0.0.1:${port}`));
  });

  test('signs in with user and password', async () => {
    const redis = await testRedis();
    onTestFinished(() => redis.close());
    const admin = new Redis(redis.url);
    const allowed = ['+smismember', '+sadd', '+expire', '+info', '+hello', '+client|setname'];
    await admin.call('ACL', 'SETUSER', 'adtally', 'on', '>p@ss', '~test:*', '-@all', ...allowed);
    const host = new URL(redis.url).host;
    const dedup = connect(`redis://adtally:p%40ss@${host}`);
    expect(await dedup.ready(10_000)).toBe(true);
    const batch = batchOf(someEvents(ROWS));
    await dedup.route(batch);
    expect(await dedup.route(batch)).toEqual(answered({ verified: ROWS }));
    admin.disconnect();
  });
});
