import { uniqueName } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { AckedProducer, type ProduceRecord } from '../src/index.ts';
import { cluster, pump } from './support.ts';

const kafka = await cluster();
const SMALL_LIMIT_BYTES = 2_000;

test('keyed records land where the Java client puts them', async () => {
  // Keys and murmur2 hashes are Kafka's own test vectors (org.apache.kafka.common.utils.UtilsTest).
  const vectors: [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  const partitions = 7;
  const topic = await kafka.topic(partitions);
  const keys = vectors.map(([key]) => ({ topic, key, value: Buffer.from(key) }));
  expect(await kafka.producer.produceAll(keys)).toEqual(vectors.map(() => 'acked'));
  const member = await kafka.member(topic);
  await pump([member], () => member.granted.size === partitions);
  for (let partition = 0; partition < partitions; partition++) member.start(partition, 0);
  const seen = await pump([member], (records) => records.length === vectors.length);
  const expected = vectors.map(([key, hash]) => `${key} in ${(hash & 0x7fffffff) % partitions}`);
  expect(seen.map(([partition, , key]) => `${key} in ${partition}`).toSorted()).toEqual(
    expected.toSorted(),
  );
});

test('null and empty keys and values, and headers with repeated names, arrive as they were sent', async () => {
  const topic = await kafka.topic();
  const headers = [{ a: 'text' }, { a: Buffer.from([0, 255]) }, { b: undefined }];
  const sent: ProduceRecord[] = [
    { topic, partition: 0, key: null, value: null },
    { topic, partition: 0, key: Buffer.from([0xff, 0x00]), value: Buffer.alloc(0), headers },
    { topic, partition: 0, key: Buffer.alloc(0), value: Buffer.from('v') },
  ];
  expect(await kafka.producer.produceAll(sent)).toEqual(['acked', 'acked', 'acked']);
  const member = await kafka.member(topic);
  await pump([member], () => member.granted.size === 1);
  member.start(0, 0);
  const got = [];
  while (got.length < sent.length) got.push(...(await member.fetch(10, 100)));
  expect(got[0]).toMatchObject({ value: null });
  expect(got[0]?.key ?? null).toBeNull();
  expect(got[1]?.key).toEqual(Buffer.from([0xff, 0x00]));
  expect(got[1]?.value).toEqual(Buffer.alloc(0));
  expect(got[1]?.headers).toEqual([
    { a: Buffer.from('text') },
    { a: Buffer.from([0, 255]) },
    { b: Buffer.alloc(0) },
  ]);
  expect(got[2]?.key).toEqual(Buffer.alloc(0));
});

test('a record over the limit of the topic is refused, and only that one of its call', async () => {
  const topic = await kafka.topic(1, { 'max.message.bytes': String(SMALL_LIMIT_BYTES) });
  // Together the small ones exceed the limit as well: the broker refuses the whole batch.
  const sizes = [100, 900, 900, SMALL_LIMIT_BYTES + 1, 900];
  const outcomes = await kafka.producer.produceAll(
    sizes.map((bytes) => ({ topic, partition: 0, key: 'k', value: Buffer.alloc(bytes) })),
  );
  expect(outcomes.map((outcome) => (outcome === 'acked' ? outcome : outcome.failed))).toEqual([
    'acked',
    'acked',
    'acked',
    'refused',
    'acked',
  ]);
  expect(await kafka.admin.watermarks(topic, 0)).toEqual({ logStart: 0, end: 4 });
});

test('a record over the limit of the client is refused and the producer goes on', async () => {
  const topic = await kafka.topic();
  const outcomes = await kafka.producer.produceAll([
    { topic, partition: 0, key: 'k', value: Buffer.alloc(2_000_000) },
    { topic, partition: 0, key: 'k', value: Buffer.from('v') },
  ]);
  expect(outcomes).toEqual([expect.objectContaining({ failed: 'refused', code: 10 }), 'acked']);
});

test('an absent topic and an absent partition are transient', async () => {
  const topic = await kafka.topic();
  const producer = await AckedProducer.connect(kafka.settings, { deliveryTimeoutMs: 1_000 });
  const outcomes = await producer.produceAll([
    { topic: uniqueName('absent'), key: 'k', value: Buffer.from('v') },
    { topic, partition: 5, key: 'k', value: Buffer.from('v') },
    { topic, partition: 0, key: 'k', value: Buffer.from('v') },
  ]);
  expect(outcomes.map((outcome) => (outcome === 'acked' ? outcome : outcome.failed))).toEqual([
    'transient',
    'transient',
    'acked',
  ]);
  await producer.close();
});

test('an empty call has no outcomes', async () => {
  expect(await kafka.producer.produceAll([])).toEqual([]);
});

test('more records than the queue holds are all acked, each once and in order', async () => {
  const topic = await kafka.topic();
  const producer = await AckedProducer.connect(kafka.settings, { mode: 'bulk' });
  const chunk = 10_000;
  const chunks = 25;
  let sent = 0;
  function* source() {
    for (let i = 0; i < chunks; i++) {
      yield Array.from({ length: chunk }, () => ({
        topic,
        partition: 0,
        key: null,
        value: Buffer.from(String(sent++)),
      }));
    }
  }
  let acked = 0;
  for await (const { records, outcomes } of producer.produceStream(source())) {
    expect(outcomes).toHaveLength(records.length);
    acked += outcomes.filter((outcome) => outcome === 'acked').length;
  }
  expect(acked).toBe(chunk * chunks);
  expect(await kafka.admin.watermarks(topic, 0)).toEqual({ logStart: 0, end: acked });
  const member = await kafka.member(topic);
  await pump([member], () => member.granted.size === 1);
  member.start(0, 0);
  const seen = await pump([member], (records) => records.length >= acked);
  expect(seen.findIndex(([, offset, text]) => text !== String(offset))).toBe(-1);
  await producer.close();
});

test('closing twice is harmless and a closed producer refuses work', async () => {
  const producer = await AckedProducer.connect(kafka.settings);
  expect(await producer.flush(1_000)).toBe(true);
  await producer.close();
  await producer.close();
  await expect(producer.produceAll([])).rejects.toThrow('closed');
});
