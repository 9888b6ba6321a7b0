import { kafkaBrokers, produceRecords, testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { AppendTimes, KafkaAdmin } from '../src/index.ts';

const HOUR_AGO_MS = Date.now() - 3_600_000;

test('each place is told the time of its own first record; a place without one is told none', async () => {
  const settings = { brokers: await kafkaBrokers(), clientId: 'append-times-test', security: {} };
  await using topic = await testTopic({
    partitions: 3,
    config: { 'message.timestamp.type': 'CreateTime' },
  });
  const times = await AppendTimes.connect(settings);
  onTestFinished(() => times.close());
  const value = Buffer.alloc(20_000, 'x');
  await produceRecords(
    topic.name,
    [0, 1, 2, 3].flatMap((n) =>
      [0, 1].map((partition) => ({ partition, value, timestampMs: HOUR_AGO_MS + n * 1_000 })),
    ),
  );
  const place = (partition: number, offset: number) => ({ topic: topic.name, partition, offset });
  const places = [place(0, 2), place(1, 0), place(2, 0)];
  const second = HOUR_AGO_MS + 2_000;
  expect(await times.of(places, 1_500)).toEqual([second, HOUR_AGO_MS, null]);
  // An offset that is not there holds up nobody else, and the next look begins anew.
  expect(await times.of([place(0, 99), place(1, 3)], 1_500)).toEqual([null, HOUR_AGO_MS + 3_000]);
});

test('points of many partitions are told at once', async () => {
  const settings = { brokers: await kafkaBrokers(), clientId: 'append-times-test', security: {} };
  await using topic = await testTopic({ partitions: 3 });
  const admin = new KafkaAdmin(settings);
  onTestFinished(() => admin.close());
  await produceRecords(topic.name, [{ partition: 1, value: Buffer.from('x') }]);
  const ends = await admin.logPoints(topic.name, [0, 1, 2], 'end');
  expect([...ends].toSorted()).toEqual([
    [0, 0],
    [1, 1],
    [2, 0],
  ]);
});
