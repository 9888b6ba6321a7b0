import { expect, onTestFinished, test } from 'vitest';
import { OffsetOutOfRange, TopicReader } from '../src/index.ts';
import { cluster, range } from './support.ts';

const kafka = await cluster();

async function readerOf(topic: string): Promise<TopicReader> {
  const reader = await TopicReader.connect(kafka.settings, { topic });
  onTestFinished(() => reader.close());
  return reader;
}

async function read(reader: TopicReader, count: number): Promise<number[]> {
  const offsets: number[] = [];
  while (offsets.length < count) {
    for (const record of await reader.fetch(1_000, 50)) offsets.push(record.offset);
  }
  return offsets;
}

test('two readers without a group each read everything from their own offsets', async () => {
  const topic = await kafka.topic(2);
  await kafka.fill(topic, 0, 300);
  await kafka.fill(topic, 1, 10);
  const [one, other] = await Promise.all([readerOf(topic), readerOf(topic)]);
  expect(await one.fetch(100, 100)).toEqual([]);
  one.start(0, 100);
  other.start(0, 0);
  expect(await read(one, 200)).toEqual(range(100, 300));
  expect(await read(other, 300)).toEqual(range(0, 300));
  one.stop(0);
  one.start(0, 290);
  expect(await read(one, 10)).toEqual(range(290, 300));
  expect(one.cachedEnd(0)).toBe(300);
  one.start(1, 0);
  expect(await read(one, 10)).toEqual(range(0, 10));
});

test('I9: an offset outside of the log is an error of its partition, and the reader goes on', async () => {
  const topic = await kafka.topic(1);
  await kafka.fill(topic, 0, 50);
  await kafka.admin.deleteRecordsBefore(topic, 0, 20);
  const reader = await readerOf(topic);
  reader.start(0, 5);
  await expect(read(reader, 1)).rejects.toBeInstanceOf(OffsetOutOfRange);
  reader.stop(0);
  reader.start(0, 20);
  expect(await read(reader, 30)).toEqual(range(20, 50));
});
