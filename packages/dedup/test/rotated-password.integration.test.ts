import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasRedisServer, testRedis, waitFor, type TestRedis } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDeduplicator, type Deduplicator } from '../src/index.ts';
import { batchOf, someEvents } from './batches.ts';

const ROWS = 20;
const USER = 'adtally';

/** The user's only password is this one from now on; connections that are there stay. */
async function setPassword(admin: Redis, password: string): Promise<void> {
  const rights = ['~test:*', '-@all', '+smismember', '+sadd', '+expire', '+info', '+hello'];
  const more = ['+client|setname', '+cluster|slots', '+cluster|info', '+cluster|shards'];
  const secret = ['resetpass', `>${password}`];
  await admin.call('ACL', 'SETUSER', USER, 'on', ...secret, ...rights, ...more);
}

function connect(url: () => string): Deduplicator {
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

/** Rotates the password, cuts the connections, and waits for predictions to come back. */
async function outcomeAfterRotation(redis: TestRedis, scheme: string): Promise<string> {
  const admin = new Redis(redis.url);
  onTestFinished(() => admin.disconnect());
  await setPassword(admin, 'the-first');
  const { host } = new URL(redis.url);
  let password = 'the-first';
  const dedup = connect(() => `${scheme}://${USER}:${password}@${host}`);
  expect(await dedup.ready(10_000)).toBe(true);
  const batch = batchOf(someEvents(ROWS));
  expect(await dedup.route(batch)).toMatchObject({ outcome: 'answered' });

  await setPassword(admin, 'the-second');
  await admin.call('CLIENT', 'KILL', 'USER', USER);
  await waitFor(async () => (await dedup.route(batch)).outcome === 'error', { what: 'the loss' });
  // With the password of the start nothing would come back, however long one waits.
  const refused = async (): Promise<boolean> =>
    !/acl_access_denied_auth:0\r/.test(await admin.info('stats'));
  await waitFor(refused, { what: 'a refused password' });
  expect((await dedup.route(batch)).outcome).toBe('error');
  password = 'the-second';
  await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', { what: 'Redis' });
  return (await dedup.route(batch)).outcome;
}

describe.runIf(hasRedisServer())('a rotated password is used at the next connect', () => {
  test('of a single server', async () => {
    const redis = await testRedis();
    onTestFinished(() => redis.close());
    expect(await outcomeAfterRotation(redis, 'redis')).toBe('answered');
  });

  test('of the nodes of a cluster', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'adtally-redis-'));
    const config = { 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1', dir };
    const redis = await testRedis({ config });
    onTestFinished(async () => {
      await redis.close();
      rmSync(dir, { recursive: true, force: true });
    });
    const node = new Redis(redis.url);
    await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
    await waitFor(async () => /cluster_state:ok/.test(String(await node.call('CLUSTER', 'INFO'))), {
      what: 'the cluster',
    });
    node.disconnect();
    expect(await outcomeAfterRotation(redis, 'redis+cluster')).toBe('answered');
  });
});
