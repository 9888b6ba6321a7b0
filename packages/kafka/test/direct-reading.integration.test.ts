import { kafkaBrokers, produceRecords, testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReading, type DirectReadingParts } from '../src/direct-reading.ts';

const RECORDS = 5;

test('what a partition that is lost still brings moves no position: somebody may count it as a gap', async () => {
  const topic = await testTopic({ partitions: 2 });
  onTestFinished(() => topic.delete());
  const records = [0, 1].flatMap((partition) =>
    Array.from({ length: RECORDS }, () => ({ partition, value: Buffer.from('x') })),
  );
  await produceRecords(topic.name, records);
  const settings = { brokers: await kafkaBrokers(), clientId: 'adtally-test', security: {} };
  // The client would keep the membership, which nothing here asks for.
  const parts = {
    settings,
    topic: topic.name,
    bufferBytes: 1024 * 1024,
    words: { worked: () => undefined, note: () => undefined },
    paced: { consume: async () => ({ records: [], ends: new Map() }) },
  } as unknown as DirectReadingParts;
  const reading = new DirectReading(parts);
  onTestFinished(() => reading.close());
  for (const partition of [0, 1]) reading.start(partition, { offset: 0, last: null });
  reading.lose([0]);
  const seen: number[] = [];
  await expect
    .poll(
      async () => {
        for (const { partition } of await reading.fetch(100, 100)) seen.push(partition);
        return reading.position(1);
      },
      { timeout: 15_000 },
    )
    .toBe(RECORDS);
  await reading.fetch(100, 500);
  expect(seen).toEqual(Array.from({ length: RECORDS }, () => 1));
  expect(reading.position(0)).toBe(undefined);
  expect(reading.lastRead(0)).toBe(null);
});
