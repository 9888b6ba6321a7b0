import { VERDICT } from '@adtally/event-schema';
import { hasRedisServer, proxyFor, testRedis, waitFor, type TestRedis } from '@adtally/testkit';
import { Redis } from 'ioredis';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createDeduplicator, type DedupEvent, type DeduplicatorOptions } from '../src/index.ts';
import { answered, batchOf, eventOf, fastRows, someEvents, uuidV4, uuidV7 } from './batches.ts';

const TTL_SECONDS = 600;
const ROWS = 2000;

async function setUp(options: Partial<DeduplicatorOptions> = {}, server?: TestRedis) {
  const redis = server ?? (await testRedis());
  const events: DedupEvent[] = [];
  const dedup = createDeduplicator({
    url: redis.url,
    ttlSeconds: TTL_SECONDS,
    keyPrefix: 'test',
    // No test measures time: an answer has long to come, except where none may come at all.
    budgetMs: 10_000,
    onEvent: (event) => void events.push(event),
    ...options,
  });
  const client = new Redis(redis.url);
  client.on('error', () => undefined);
  onTestFinished(async () => {
    client.disconnect();
    await dedup.close();
    if (server === undefined) await redis.close();
  });
  return { redis, dedup, events, client };
}

test('I10: new keys go the fast way, known ones the verified way, and only rows that are events', async () => {
  const { dedup } = await setUp();
  expect(await dedup.ready(5_000)).toBe(true);
  const batch = batchOf([...someEvents(ROWS), eventOf(uuidV4())]);
  batch.verdict[7] = VERDICT.rejected;
  batch.verdict[8] = VERDICT.dropped;

  const stats = await dedup.route(batch);
  expect(stats).toEqual(answered({ fast: ROWS - 1 }));
  expect(fastRows(batch)).toHaveLength(ROWS - 1);
  expect(fastRows(batch)).not.toContain(7);
  expect(fastRows(batch)).not.toContain(8);

  batch.verdict[7] = VERDICT.event; // was not marked: it was no event
  const again = await dedup.route(batch);
  expect(again).toEqual(answered({ fast: 1, verified: ROWS - 1 }));
  expect(fastRows(batch)).toEqual([7]);
});

test('a connection that we end ourselves is not told as one that was lost', async () => {
  const { dedup, events, redis } = await setUp();
  await dedup.ready(5_000);
  await dedup.close();
  // The server's word that it is gone comes after whatever the client had to tell of it.
  const client = new Redis(redis.url);
  await waitFor(async () => !String(await client.client('LIST')).includes('name=adtally'), {
    what: 'the connection to be gone',
  });
  client.disconnect();
  expect(events).toEqual([{ type: 'connected' }]);
});

test('I10: of copies in one batch only the lowest position may go the fast way', async () => {
  const { dedup } = await setUp();
  await dedup.ready(5_000);
  const [a, b] = someEvents(2);
  const batch = batchOf([a, b, a, a, b].filter((event) => event !== undefined));
  expect(await dedup.route(batch)).toEqual(answered({ fast: 2, verified: 3 }));
  expect(fastRows(batch)).toEqual([0, 1]);
});

test('events of one impression are told apart, born whenever', async () => {
  const { dedup } = await setUp();
  await dedup.ready(5_000);
  const id = uuidV7(Date.now() - 86_400_000);
  await dedup.route(batchOf([eventOf(id, 0)]));
  const batch = batchOf([eventOf(id, 1), eventOf(id, 0)]);
  await dedup.route(batch);
  expect(fastRows(batch)).toEqual([0]);
});

test('every bucket has a TTL, is compact, and one key costs few bytes', async () => {
  const { dedup, client } = await setUp();
  await dedup.ready(5_000);
  const before = await usedMemory(client);
  // One second of births at 50,000 events/s.
  for (let n = 0; n < 10; n += 1) {
    const batch = batchOf(someEvents(5000, 1_790_000_000_000, 1000));
    await dedup.route(batch);
    expect(await dedup.route(batch)).toMatchObject({ fast: 0 });
  }
  const keys = await client.keys('test:*');
  for (const key of keys) {
    const ttl = await client.ttl(key);
    expect(ttl).toBeGreaterThan(TTL_SECONDS - 60);
    expect(ttl).toBeLessThanOrEqual(TTL_SECONDS);
    expect(await client.object('ENCODING', key)).toBe('intset');
  }
  const members = await totalMembers(client);
  const bytes = ((await usedMemory(client)) - before) / members;
  process.stderr.write(
    `redis: ${members} keys in ${keys.length} sets, ${bytes.toFixed(1)} B a key\n`,
  );
  expect(keys.length).toBe(16);
  expect(bytes).toBeLessThan(12);
});

test('a batch over very many buckets asks only for those with several rows', async () => {
  const { dedup } = await setUp({ subBuckets: 1 });
  await dedup.ready(5_000);
  const bornMs = 1_790_000_000_000;
  const scattered = Array.from({ length: 300 }, (_, n) => eventOf(uuidV7(bornMs + n * 1000)));
  const crowd = someEvents(100, bornMs + 1_000_000, 1000);
  const batch = batchOf([...scattered, ...crowd]);
  expect(await dedup.route(batch)).toEqual(answered({ fast: 100, unasked: 300 }));
  // All of them are known now: a smaller batch asks for each.
  const part = batchOf([...scattered.slice(0, 50), ...crowd]);
  expect(await dedup.route(part)).toEqual(answered({ verified: 150 }));
});

test('what comes late and alone is neither asked for nor marked, nor are its copies', async () => {
  const { dedup, client } = await setUp();
  await dedup.ready(5_000);
  const bornMs = 1_790_000_000_000;
  const appendMs = bornMs + 3_600_000;
  const late = Array.from({ length: 3 }, (_, n) => eventOf(uuidV7(bornMs + n * 1000)));
  const timely = eventOf(uuidV7(appendMs - 1000));
  const crowd = someEvents(100, bornMs + 100_000, 1).map(({ impressionId }) =>
    eventOf(Buffer.concat([impressionId.subarray(0, 12), Buffer.alloc(4)]), Math.random()),
  );
  for (const [batch, verified] of [
    [batchOf([...late, timely, ...crowd], 5000, appendMs), 0],
    [batchOf([...late, timely, ...crowd], 5000, appendMs + 60_000), 101],
  ] as const) {
    expect(await dedup.route(batch)).toMatchObject({ verified, unasked: 3, outcome: 'answered' });
  }
  // A crowd is marked, however late it is.
  await waitFor(async () => (await client.keys('test:*')).length === 2, { what: 'the marks' });
});

test('I10: a lying Redis that has seen everything only slows', async () => {
  const { dedup } = await setUp();
  await dedup.ready(5_000);
  const events = someEvents(ROWS);
  await dedup.route(batchOf(events)); // nothing of this was ever stored
  const batch = batchOf(events);
  expect(await dedup.route(batch)).toEqual(answered({ verified: ROWS }));
});

test('I10: a bucket of another type is refused, its rows verified, the others as usual', async () => {
  const { dedup, client, events } = await setUp({ subBuckets: 1 });
  await dedup.ready(5_000);
  const bornMs = 1_790_000_000_000;
  await client.set(`test:${bornMs / 1000}.0`, 'not a set');
  const batch = batchOf([eventOf(uuidV7(bornMs)), eventOf(uuidV7(bornMs + 1000))]);
  expect(await dedup.route(batch)).toEqual(answered({ fast: 1, verified: 1 }));
  expect(fastRows(batch)).toEqual([1]);
  for (const operation of ['route', 'mark'])
    expect(events).toContainEqual(expect.objectContaining({ operation, kind: 'error' }));
  expect(await dedup.route(batch)).toEqual(answered({ verified: 2 }));
});

test('with no Redis configured every event goes the verified way', async () => {
  const dedup = createDeduplicator({
    url: '',
    ttlSeconds: 1,
    keyPrefix: 'x',
    onEvent: () => undefined,
  });
  const batch = batchOf(someEvents(3));
  batch.route.fill(1);
  expect(await dedup.route(batch)).toEqual({ fast: 0, verified: 3, unasked: 0, outcome: 'off' });
  expect(fastRows(batch)).toEqual([]);
  await dedup.close();
});

test('an address nobody answers at is no error: routing says so at once', async () => {
  const { dedup } = await setUp({ url: 'redis://127.0.0.1:1' });
  const batch = batchOf(someEvents(3));
  expect((await dedup.route(batch)).outcome).toBe('error');
  expect(await dedup.ready(1)).toBe(false);
});

describe.runIf(hasRedisServer())('with a server of its own', () => {
  test('I10: a flushed Redis calls everything new, and routing goes on', async () => {
    const { dedup, redis } = await setUp();
    await dedup.ready(5_000);
    const batch = batchOf(someEvents(ROWS));
    await dedup.route(batch);
    expect(await dedup.route(batch)).toMatchObject({ fast: 0, verified: ROWS });
    await redis.flush();
    expect(await dedup.route(batch)).toEqual(answered({ fast: ROWS }));
  });

  test('I10: a stopped Redis routes everything verified at once, and is used again when back', async () => {
    const { dedup, redis, events } = await setUp();
    await dedup.ready(5_000);
    const batch = batchOf(someEvents(ROWS));
    expect((await dedup.route(batch)).fast).toBe(ROWS);
    await redis.stop();
    const away = await dedup.route(batch);
    expect(away).toEqual({ fast: 0, verified: ROWS, unasked: 0, outcome: 'error' });
    expect(fastRows(batch)).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ operation: 'route', kind: 'error' }));
    await redis.start();
    await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', { what: 'Redis' });
    expect((await dedup.route(batchOf(someEvents(ROWS)))).fast).toBe(ROWS);
  });

  test('I10: a frozen Redis costs one budget, then batches are not held up until it answers', async () => {
    const { dedup, redis } = await setUp({ budgetMs: 100 });
    await dedup.ready(5_000);
    const batch = batchOf(someEvents(ROWS));
    await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', {
      what: 'a first answer',
    });
    redis.freeze();
    expect(await dedup.route(batch)).toEqual({
      fast: 0,
      verified: ROWS,
      unasked: 0,
      outcome: 'timeout',
    });
    expect(fastRows(batch)).toEqual([]);
    expect(await dedup.route(batch)).toMatchObject({ verified: ROWS, outcome: 'skipped' });
    redis.thaw();
    await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', { what: 'Redis' });
  });

  test('I10: an answer that comes too late changes no route', async () => {
    const redis = await testRedis();
    await using proxy = await proxyFor(redis.url);
    onTestFinished(() => redis.close());
    const through = { ...redis, url: proxy.urlFor(redis.url) };
    const { dedup } = await setUp({ budgetMs: 50, url: through.url }, redis);
    await dedup.ready(5_000);
    const batch = batchOf(someEvents(10));
    await waitFor(async () => (await dedup.route(batch)).outcome === 'answered', {
      what: 'a first answer',
    });
    proxy.blackhole(true);
    expect((await dedup.route(batch)).outcome).toBe('timeout');
    proxy.blackhole(false);
    const other = batchOf(someEvents(10));
    await waitFor(async () => (await dedup.route(other)).outcome === 'answered', { what: 'Redis' });
    expect(fastRows(batch)).toEqual([]);
  });
});

async function totalMembers(client: Redis): Promise<number> {
  const keys = await client.keys('test:*');
  const counts = await Promise.all(keys.map((key) => client.scard(key)));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function usedMemory(client: Redis): Promise<number> {
  const info = await client.info('memory');
  return Number(/used_memory_dataset:(\d+)/.exec(info)?.[1]);
}
