import { hasRedisServer, testRedis } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 10_000;

const isPositive = (count: number): boolean => count > 0;

test('I10: without Redis from the start every event goes the verified way, and the result is the truth', async () => {
  const the = await stage();
  const truth = await the.simulate(EVENTS);
  const consumer = the.start({ REDIS_URL: '' });
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);
  await consumer.untilMetric('adtally_records_consumed_total', truth.acked);
  await consumer.untilMetric('adtally_routed_events_total', isPositive, 'route="verified"');
  await consumer.untilMetric('adtally_routed_events_total', 0, 'route="fast"');
});

test.skipIf(!hasRedisServer()).each(['killed', 'frozen', 'emptied'])(
  'I10: Redis %s under load changes no count',
  async (fault) => {
    const the = await stage();
    await using redis = await testRedis();
    const truth = await the.simulate(EVENTS);
    const consumer = the.startSlow({ REDIS_URL: redis.url });
    await the.untilConsumed(1_000, consumer);
    await consumer.untilMetric('adtally_routed_events_total', isPositive, 'route="fast"');
    if (fault === 'killed') await redis.stop();
    if (fault === 'frozen') redis.freeze();
    if (fault === 'emptied') await redis.flush();
    expect(await the.consumed()).toBeLessThan(truth.acked);

    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
    // An empty Redis answers like any other.
    if (fault !== 'emptied') {
      await consumer.untilMetric('adtally_redis_failures_total', isPositive);
    }
    redis.thaw();
  },
);
