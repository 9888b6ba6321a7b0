import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Secret } from '@adtally/config';
import { freePort, hasRedisServer, testRedis, waitFor } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDeduplicator, type Deduplicator } from '../src/index.ts';
import { batchOf, fastRows, someEvents } from './batches.ts';

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

/** A sentinel that watches the given master; returns its port. */
async function startSentinel(masterPort: string): Promise<number> {
  // Not the master's neighbour: another test may listen there.
  const port = await freePort();
  const file = path.join(await temporaryFolder(), 'sentinel.conf');
  await writeFile(file, `port ${port}\nsentinel monitor mymaster 127.0.0.1 ${masterPort} 1\n`);
  const child = spawn('redis-server', [file, '--sentinel'], { stdio: 'ignore' });
  onTestFinished(async () => {
    const exited = once(child, 'exit');
    if (child.exitCode === null && child.kill('SIGKILL')) await exited;
  });
  return port;
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
    expect(await dedup.ready(10_000)).toBe(true);
    const batch = batchOf(someEvents(ROWS));
    expect(await dedup.route(batch)).toEqual({ fast: ROWS, verified: 0, outcome: 'answered' });
    expect(await dedup.route(batch)).toEqual({ fast: 0, verified: ROWS, outcome: 'answered' });
    await redis.stop();
    await waitFor(async () => (await dedup.route(batch)).outcome === 'error', { what: 'the loss' });
    expect(fastRows(batch)).toEqual([]);
  });

  test('finds the master through a sentinel', async () => {
    const redis = await testRedis();
    onTestFinished(() => redis.close());
    const sentinelPort = await startSentinel(new URL(redis.url).port);
    const dedup = connect(`redis+sentinel://127.0.0.1:${sentinelPort}/mymaster/3`);
    expect(await dedup.ready(10_000)).toBe(true);
    const batch = batchOf(someEvents(ROWS));
    expect(await dedup.route(batch)).toEqual({ fast: ROWS, verified: 0, outcome: 'answered' });
    expect(await dedup.route(batch)).toEqual({ fast: 0, verified: ROWS, outcome: 'answered' });
    const database = new Redis(`${redis.url}/3`);
    onTestFinished(() => database.disconnect());
    expect((await database.keys('test:*')).length).toBeGreaterThan(0);
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
    expect(await dedup.route(batch)).toEqual({ fast: 0, verified: ROWS, outcome: 'answered' });
    admin.disconnect();
  });
});
