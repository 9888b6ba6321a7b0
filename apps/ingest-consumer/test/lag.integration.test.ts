import { ServiceProcess, uniqueName } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

const ALERTER = new URL('../../dead-queue-alerter/src/main.ts', import.meta.url).pathname;
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
  const alerter = new ServiceProcess(ALERTER, {
    KAFKA_BROKERS: the.settings.brokers,
    DATABASE_URL: the.databaseUrl,
    EVENTS_TOPIC: the.topic,
    DLQ_TOPIC: the.dlq,
    DEAD_TOPIC: uniqueName('adtally_test_dead'),
    ADMIN_PORT: '0',
  });
  onTestFinished(async () => void (await alerter.kill()));
  const [first] = consumers;
  await Promise.all([...consumers, alerter].map((one) => one.running()));
  await the.simulate(300);
  await the.untilConsumed(300, first);
  await Promise.all(consumers.map((consumer) => consumer.kill()));
  const already = await the.consumed();
  const { acked } = await the.simulate(200);
  const waiting = 300 + acked - already;

  const ofTopic = `topic="${the.topic}"`;
  const visibleMs = await timed(() =>
    alerter.untilMetric('adtally_consumer_lag_records', waiting, ofTopic),
  );
  expect(visibleMs).toBeLessThan(VISIBLE_MS);
  const namedMs = await timed(() =>
    alerter.untilMetric('adtally_partition_stuck', 2, ofTopic, 'reason="not_granted"'),
  );
  expect(namedMs).toBeLessThan(NAMED_MS);
  await alerter.logged('partition is stuck', ({ reason }) => reason === 'not_granted');

  const successor = the.startElsewhere();
  await the.untilConsumed(300 + acked, successor);
  await alerter.untilMetricWith([successor], 'adtally_consumer_lag_records', 0, ofTopic);
  await alerter.untilMetricWith([successor], 'adtally_partition_stuck', 0, ofTopic);
  await alerter.logged('partition is not stuck any more');
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
