import { testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

/** A record that waits is visible within this time, and named within that. */
const VISIBLE_MS = 15_000;
const NAMED_MS = 60_000;

/** How long it takes, in ms. */
async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

test('with every consumer killed the lag goes on being true, and nobody who reads is the reason', async () => {
  const the = await stage({ partitions: 2 });
  const consumers = [the.start(), the.start()];
  // Some service that lives, and has nothing to do with the topic.
  const other = await testTopic({ partitions: 1 });
  onTestFinished(() => other.delete());
  const bystander = the.startElsewhere({ EVENTS_TOPIC: other.name });
  const [first] = consumers;
  await Promise.all([...consumers, bystander].map((one) => one.running()));
  await the.simulate(300);
  await the.untilConsumed(300, first);
  await Promise.all(consumers.map((consumer) => consumer.kill()));
  const already = await the.consumed();
  const { acked } = await the.simulate(200);
  const waiting = 300 + acked - already;

  const ofTopic = `topic="${the.topic}"`;
  const visibleMs = await timed(() =>
    bystander.untilMetric('adtally_consumer_lag_records', waiting, ofTopic),
  );
  expect(visibleMs).toBeLessThan(VISIBLE_MS);
  const namedMs = await timed(() =>
    bystander.untilMetric('adtally_partition_stuck', 2, ofTopic, 'reason="not_granted"'),
  );
  expect(namedMs).toBeLessThan(NAMED_MS);
  await bystander.logged('partition is stuck', ({ reason }) => reason === 'not_granted');

  const successor = the.startElsewhere();
  await the.untilConsumed(300 + acked, successor);
  await bystander.untilMetricWith([successor], 'adtally_consumer_lag_records', 0, ofTopic);
  await bystander.untilMetricWith([successor], 'adtally_partition_stuck', 0, ofTopic);
  await bystander.logged('partition is not stuck any more');
  // What a process says of itself agrees with the figures of whoever leads.
  await successor.until('a status without lag', async () => {
    const { lag } = await successor.status();
    return lag.partitions?.every((one) => one.lag_records === 0 && one.state === 'owned');
  });
});

test('two groups that count one topic into one database are said by name', async () => {
  const the = await stage({ partitions: 2 });
  const first = the.start();
  await first.owns(2);
  const second = the.startElsewhere();
  const saidMs = await timed(() =>
    first.untilMetricWith([second], 'adtally_topic_groups', 2, `topic="${the.topic}"`),
  );
  expect(saidMs).toBeLessThan(NAMED_MS);
  const { groups } = await first.logged('two groups count one topic');
  expect(groups).toContain(the.group);
  await second.stop();
  await first.untilMetric('adtally_topic_groups', 1, `topic="${the.topic}"`);
});
