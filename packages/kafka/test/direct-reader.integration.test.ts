import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type Kafka from '@confluentinc/kafka-javascript';
import { produceRecords, uniqueName } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { RecordSpans } from '../src/record-batch/record-spans.ts';
import {
  call,
  directReader,
  expectTheSame,
  flushed,
  inOrder,
  producerWith,
  readDirectly,
  type Shown,
  WAIT_MS,
} from './both-readers.ts';
import { cluster, range } from './support.ts';

const kafka = await cluster();
const { brokers } = kafka.settings;
const TIMEOUT_MS = 15_000;

const BODY = 'a value that can be made smaller, '.repeat(8);

test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])(
  'shows what the client does of a topic under %s',
  async (codec) => {
    const topic = await kafka.topic(3, { 'message.timestamp.type': 'LogAppendTime' });
    const producer = await producerWith(brokers, { 'compression.codec': codec });
    for (let n = 0; n < 3_000; n += 1) {
      producer.produce(topic, n % 3, Buffer.from(`${BODY}${n}`), `key ${n}`);
    }
    await flushed(producer);
    expect(await expectTheSame(kafka, topic, [0, 1, 2])).toHaveLength(3_000);
  },
);

test('shows nulls, empty bytes, 300 headers, names that repeat and times of the producer', async () => {
  const topic = await kafka.topic(1, { 'message.timestamp.type': 'CreateTime' });
  const producer = await producerWith(brokers, {});
  const headers = range(0, 300).map((n) => ({ [`h${n % 7}`]: Buffer.from([n % 256]) }));
  const produce = (value: Buffer | null, key: Buffer | null, sent: object[], time: number) =>
    producer.produce(topic, 0, value, key, time, null, sent as never);
  produce(null, Buffer.from('tombstone'), [], 1_700_000_000_000);
  produce(Buffer.alloc(0), null, [], 1_700_000_000_001);
  produce(Buffer.from('v'), Buffer.alloc(0), headers, 1_600_000_000_000);
  produce(
    randomBytes(70_000),
    randomBytes(3_000),
    [{ ünï: '😀' }, { empty: '' }, { null: Buffer.alloc(0) }],
    1,
  );
  await flushed(producer);
  expect(await expectTheSame(kafka, topic, [0])).toHaveLength(4);
});

test('reads records larger than one fetch of a partition, and those beside them', async () => {
  const topic = await kafka.topic(4, { 'max.message.bytes': '4000000' });
  const producer = await producerWith(brokers, {});
  for (let n = 0; n < 12; n += 1) {
    producer.produce(topic, n % 4, randomBytes(n % 4 === 1 ? 3_000_000 : 900_000), null);
  }
  await flushed(producer);
  expect(await expectTheSame(kafka, topic, [0, 1, 2, 3])).toHaveLength(12);
});

test('steps over aborted records and markers, waits at an open transaction, and ends at the log end', async () => {
  const topic = await kafka.topic(1);
  const plain = await producerWith(brokers, {});
  const send = (producer: Kafka.Producer, text: string) =>
    producer.produce(topic, 0, Buffer.from(text), null);
  const transaction = async (texts: string[], end: 'commit' | 'abort' | 'open') => {
    const producer = await producerWith(brokers, { 'transactional.id': uniqueName('direct') });
    await call((done) => producer.initTransactions(TIMEOUT_MS, done));
    await call((done) => producer.beginTransaction(done));
    for (const text of texts) send(producer, text);
    await flushed(producer);
    if (end === 'commit') await call((done) => producer.commitTransaction(TIMEOUT_MS, done));
    if (end === 'abort') await call((done) => producer.abortTransaction(TIMEOUT_MS, done));
    return producer;
  };
  send(plain, 'a');
  await flushed(plain);
  await transaction(['committed 1', 'committed 2'], 'commit');
  await transaction(['aborted 1', 'aborted 2'], 'abort');
  send(plain, 'b');
  await flushed(plain);
  await transaction(['aborted 3'], 'abort');
  // Seven records and three markers, the last of which is written when the abort is answered already.
  const logEnd = 10;
  await expect
    .poll(async () => (await kafka.admin.watermarks(topic, 0)).end, { timeout: WAIT_MS })
    .toBe(logEnd);
  const reader = directReader(kafka.settings, topic);
  reader.start(0, 0);
  const texts = (records: readonly Shown[]) =>
    records.map(({ value }) => Buffer.from(value ?? '', 'hex').toString());
  const read = await readDirectly(reader, topic, new Map([[0, logEnd]]));
  expect(texts(read)).toEqual(['a', 'committed 1', 'committed 2', 'b']);
  expect(reader.position(0)).toBe(logEnd);

  const open = await transaction(['late'], 'open');
  send(plain, 'behind it');
  await flushed(plain);
  const spans = new RecordSpans(10);
  await reader.read(spans, 500);
  expect(spans.count).toBe(0);
  await call((done) => open.commitTransaction(TIMEOUT_MS, done));
  const { end } = await kafka.admin.watermarks(topic, 0);
  expect(texts(await readDirectly(reader, topic, new Map([[0, end]])))).toEqual([
    'late',
    'behind it',
  ]);
  expect(await expectTheSame(kafka, topic, [0])).toHaveLength(6);
});

test('starts anywhere, in the middle of a batch too, and reads nothing twice after a stop', async () => {
  const topic = await kafka.topic(2);
  const producer = await producerWith(brokers, { 'compression.codec': 'zstd', 'linger.ms': 200 });
  for (let n = 0; n < 500; n += 1) producer.produce(topic, 0, Buffer.from(String(n)), null);
  await flushed(producer);
  const reader = directReader(kafka.settings, topic);
  reader.start(0, 123);
  const spans = new RecordSpans(50);
  await reader.read(spans, 2_000);
  reader.stop(0);
  expect([...spans.offset.subarray(0, spans.count)]).toEqual(range(123, 123 + spans.count));
  reader.start(0, 400);
  const rest = await readDirectly(reader, topic, new Map([[0, 500]]), 7);
  expect(rest.map(({ offset }) => offset)).toEqual(range(400, 500));
});

test('a partition is read whenever it is started, though its broker was just let go', async () => {
  const topic = await kafka.topic(1);
  await kafka.fill(topic, 0, 10);
  // Some milliseconds after the first start the brokers are known, and for a tenth of a second not looked at again.
  const reads = range(0, 10).map(async (n) => {
    const reader = directReader(kafka.settings, topic);
    reader.start(0, 0);
    reader.stop(0);
    await setTimeout(n * 15);
    reader.start(0, 0);
    return await readDirectly(reader, topic, new Map([[0, 10]]));
  });
  for (const read of await Promise.all(reads)) expect(read).toHaveLength(10);
});

test('an offset outside the log is the fault of its partition, and the others go on', async () => {
  const topic = await kafka.topic(3);
  await kafka.fill(topic, 0, 50);
  await kafka.fill(topic, 1, 10);
  await kafka.fill(topic, 2, 10);
  await kafka.admin.deleteRecordsBefore(topic, 0, 20);
  const reader = directReader(kafka.settings, topic);
  reader.start(0, 5);
  reader.start(1, 11);
  reader.start(2, 0);
  const read = await readDirectly(reader, topic, new Map([[2, 10]]));
  expect(read).toHaveLength(10);
  await expect.poll(() => reader.faults().size, { timeout: WAIT_MS }).toBe(2);
  expect(reader.faults().get(0)).toMatchObject({ kind: 'out_of_range', position: 5 });
  expect(reader.faults().get(1)).toMatchObject({ kind: 'out_of_range', position: 11 });
  reader.start(0, 20);
  const healed = await readDirectly(reader, topic, new Map([[0, 50]]));
  expect(healed.map(({ offset }) => offset)).toEqual(range(20, 50));
});

test('a topic made again under its name is not read on', async () => {
  const topic = await kafka.topic(1);
  await kafka.fill(topic, 0, 20);
  const { topicId } = (await kafka.admin.describeTopic(topic)) ?? { topicId: '' };
  const reader = directReader(kafka.settings, topic);
  reader.start(0, 0, { topicId });
  expect(await readDirectly(reader, topic, new Map([[0, 20]]))).toHaveLength(20);
  await kafka.admin.deleteTopic(topic);
  await kafka.admin.createTopic({ name: topic, partitions: 1, replication: 1, config: {} });
  await kafka.fill(topic, 0, 40);
  await expect
    .poll(() => reader.faults().get(0), { timeout: WAIT_MS })
    .toEqual({ kind: 'topic_gone', position: 20 });
  const spans = new RecordSpans(100);
  await reader.read(spans, 300);
  expect(spans.count).toBe(0);
});

test('bytes that were fetched and not taken stay below their limit', async () => {
  const topic = await kafka.topic(8);
  const producer = await producerWith(brokers, {});
  for (let n = 0; n < 800; n += 1) producer.produce(topic, n % 8, randomBytes(20_000), null);
  await flushed(producer);
  const reader = directReader(kafka.settings, topic, 1_000_000);
  for (const partition of range(0, 8)) reader.start(partition, 0);
  const spans = new RecordSpans(30);
  let heldBytesMax = 0;
  for (let count = 0; count < 800; count += spans.count) {
    spans.clear();
    await reader.read(spans, 100);
    heldBytesMax = Math.max(heldBytesMax, reader.heldBytes);
  }
  // The first batch of an answer comes whole, whatever the limit: one more, of a megabyte at most.
  expect(heldBytesMax).toBeLessThan(2_100_000);
  expect(heldBytesMax).toBeGreaterThan(500_000);
});

test('shows what the client does of a log that was deleted below, in the middle of a batch', async () => {
  const topic = await kafka.topic(1);
  const producer = await producerWith(brokers, { 'compression.codec': 'lz4', 'linger.ms': 200 });
  for (let n = 0; n < 500; n += 1) producer.produce(topic, 0, Buffer.from(`${BODY}${n}`), null);
  await flushed(producer);
  await kafka.admin.deleteRecordsBefore(topic, 0, 123);
  const [first, ...others] = await expectTheSame(kafka, topic, [0]);
  expect([first?.offset, others.length]).toEqual([123, 376]);
});

test('shows what the client does of partitions that were added while it reads', async () => {
  const topic = await kafka.topic(2);
  for (const partition of [0, 1]) await kafka.fill(topic, partition, 50);
  const reader = directReader(kafka.settings, topic);
  for (const partition of [0, 1]) reader.start(partition, 0);
  const ends = (partitions: readonly number[]) => new Map(partitions.map((one) => [one, 50]));
  const before = await readDirectly(reader, topic, ends([0, 1]));
  await kafka.admin.addPartitions(topic, 4);
  // The producer above does not know them yet.
  const added = [2, 3].flatMap((partition) =>
    range(0, 50).map((n) => ({ partition, value: Buffer.from(String(n)) })),
  );
  await produceRecords(topic, added);
  for (const partition of [2, 3]) reader.start(partition, 0);
  const after = await readDirectly(reader, topic, ends([0, 1, 2, 3]));
  const all = await expectTheSame(kafka, topic, range(0, 4));
  expect(inOrder([...before, ...after])).toEqual(all);
});
