import { setTimeout as wait } from 'node:timers/promises';
import { kafkaBrokers, produceRecords, testTopic, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { recordsOf } from '../src/fetched-records.ts';
import { DirectReading, type DirectReadingParts } from '../src/direct-reading.ts';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { KafkaAdmin, type KafkaSettings, TopicGone } from '../src/index.ts';
import { RecordSpans } from '../src/record-batch/record-spans.ts';

const RECORDS = 5;
const WITHIN_MS = 15_000;

async function filledTopic(): Promise<{ name: string; topicId: string; settings: KafkaSettings }> {
  const topic = await testTopic({ partitions: 2 });
  onTestFinished(() => topic.delete());
  const records = [0, 1].flatMap((partition) =>
    Array.from({ length: RECORDS }, () => ({ partition, value: Buffer.from('x') })),
  );
  await produceRecords(topic.name, records);
  const settings = { brokers: await kafkaBrokers(), clientId: 'adtally-test', security: {} };
  const admin = new KafkaAdmin(settings);
  const described = await admin.describeTopic(topic.name);
  admin.close();
  return { name: topic.name, topicId: described?.topicId ?? '', settings };
}

function readingOf(topic: string, settings: KafkaSettings): DirectReading {
  // The client would keep the membership, which nothing here asks for.
  const parts = {
    settings,
    topic,
    bufferBytes: 1024 * 1024,
    words: { worked: () => undefined, note: () => undefined, throwIfGivenUp: () => undefined },
    paced: {
      consume: async (_records: number, timeoutMs: number) => {
        await wait(timeoutMs);
        return { records: [], ends: new Map() };
      },
    },
  } as unknown as DirectReadingParts;
  const reading = new DirectReading(parts);
  onTestFinished(() => reading.close());
  return reading;
}

test('what a partition that is lost still brings moves no position: somebody may count it as a gap', async () => {
  const { name, settings } = await filledTopic();
  const reading = readingOf(name, settings);
  for (const partition of [0, 1]) reading.start(partition, { offset: 0, last: null });
  reading.lose([0]);
  const seen: number[] = [];
  await expect
    .poll(
      async () => {
        for (const { partition } of recordsOf(await reading.read(100, 100))) seen.push(partition);
        return reading.position(1);
      },
      { timeout: WITHIN_MS },
    )
    .toBe(RECORDS);
  await reading.read(100, 500);
  expect(seen).toEqual(Array.from({ length: RECORDS }, () => 1));
  expect(reading.position(0)).toBe(undefined);
  expect(reading.lastRead(0)).toBe(null);
});

test('I9: of another topic under the name than the one that is claimed nothing is read', async () => {
  const { name, topicId, settings } = await filledTopic();
  const reading = readingOf(name, settings);
  const other = Buffer.from(Buffer.from(topicId, 'base64url').toReversed()).toString('base64url');
  reading.start(0, { offset: 0, topicId: other });
  reading.start(1, { offset: 0, topicId });
  const seen: number[] = [];
  const faults: unknown[] = [];
  const turn = async (): Promise<boolean> => {
    try {
      for (const { partition } of recordsOf(await reading.read(100, 100))) seen.push(partition);
    } catch (error) {
      faults.push(error);
    }
    return faults.length > 0 && seen.length === RECORDS;
  };
  await waitFor(turn, { what: 'a fault and the other partition', timeoutMs: WITHIN_MS });
  expect(faults).toEqual([expect.any(TopicGone)]);
  expect(faults).toMatchObject([{ partition: 0 }]);
  expect(seen).toEqual(Array.from({ length: RECORDS }, () => 1));
  expect(reading.isTopicSure).toBe(true);
});

test('brokers that know no topic ids are read by the name, and the topic is not sure then', async () => {
  const { name, settings } = await filledTopic();
  // As Kafka 2.7 speaks.
  const newest = { fetch: 12, metadata: 9 };
  const reader = new DirectReader(settings, { topic: name, bufferBytes: 1024 * 1024, newest });
  onTestFinished(() => reader.close());
  for (const partition of [0, 1]) {
    reader.start(partition, 0, { topicId: Buffer.alloc(16).toString('base64url') });
  }
  const spans = new RecordSpans(100);
  const turn = async (): Promise<boolean> => {
    await reader.read(spans, 100);
    return spans.count === 2 * RECORDS;
  };
  await waitFor(turn, { what: 'all records', timeoutMs: WITHIN_MS });
  expect(reader.isTopicSure).toBe(false);
  expect(reader.faults().size).toBe(0);
});
