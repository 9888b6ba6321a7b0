import { hasRedisServer, testRedis } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 10_000;

test('I10: without Redis from the start every event goes the verified way, and the result is the truth', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.start({ REDIS_URL: '' });
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
  await consumer.until('the verified route', () =>
    consumer.metric('adtally_routed_events_total', 'route="verified"'),
  );
  expect(await consumer.metric('adtally_routed_events_total', 'route="fast"')).toBe(0);
});

test.skipIf(!hasRedisServer()).each(['killed', 'frozen', 'emptied'])(
  'I10: Redis %s under load changes no count',
  async (fault) => {
    const the = await stage();
    await using redis = await testRedis();
    const truth = await the.simulate(EVENTS);
    const consumer = the.startSlow({ REDIS_URL: redis.url });
    await the.untilConsumed(1_000, consumer);
    const fast = await consumer.until('the fast route', () =>
      consumer.metric('adtally_routed_events_total', 'route="fast"'),
    );
    expect(fast).toBeGreaterThan(0);
    if (fault === 'killed') await redis.stop();
    if (fault === 'frozen') redis.freeze();
    if (fault === 'emptied') await redis.flush();
    expect(await the.consumed()).toBeLessThan(truth.acked);

    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
    // An empty Redis answers like any other.
    if (fault !== 'emptied') {
      expect(await consumer.metric('adtally_redis_failures_total')).toBeGreaterThan(0);
    }
    redis.thaw();
  },
);
