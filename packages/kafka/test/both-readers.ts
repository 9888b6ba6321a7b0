import Kafka from '@confluentinc/kafka-javascript';
import type { RecordHeader, SourceRecord } from '@adtally/event-schema';
import { expect, onTestFinished } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { type KafkaAdmin, type KafkaSettings, TopicReader } from '../src/index.ts';
import { RecordSpans } from '../src/record-batch/record-spans.ts';

const BUFFER_BYTES = 8 * 1024 * 1024;
export const WAIT_MS = 15_000;
const TIMEOUT_MS = 15_000;

/** A record as both readers must show it, bytes as hex. */
export interface Shown {
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly timestamp: number | undefined;
}

/** Where to read, and whom to ask how far. */
export interface Compared {
  readonly settings: KafkaSettings;
  readonly admin: KafkaAdmin;
}

const hex = (bytes: Buffer | string | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex');

function shown({ partition, offset, key, value, headers, timestamp }: SourceRecord): Shown {
  const entries = (headers ?? []).map((header: RecordHeader) => {
    const [name = ''] = Object.getOwnPropertyNames(header);
    return [name, hex(header[name])] as const;
  });
  return { partition, offset, key: hex(key), value: hex(value), headers: entries, timestamp };
}

export function directReader(
  settings: KafkaSettings,
  topic: string,
  bufferBytes = BUFFER_BYTES,
): DirectReader {
  const reader = new DirectReader(settings, { topic, bufferBytes });
  onTestFinished(() => reader.close());
  return reader;
}

/** Reads until every partition stands at its end. */
export async function readDirectly(
  reader: DirectReader,
  topic: string,
  ends: ReadonlyMap<number, number>,
  capacity = 700,
): Promise<Shown[]> {
  const spans = new RecordSpans(capacity);
  const all: Shown[] = [];
  const deadline = performance.now() + WAIT_MS;
  while ([...ends].some(([partition, end]) => (reader.position(partition) ?? 0) < end)) {
    if (performance.now() > deadline) throw new Error(`still reading after ${all.length} records`);
    spans.clear();
    await reader.read(spans, 100);
    for (let row = 0; row < spans.count; row += 1) all.push(shown(spans.record(row, topic)));
  }
  return all;
}

/** The same by the native client, which also says where a log ends in what is never delivered. */
async function readByClient(
  settings: KafkaSettings,
  topic: string,
  starts: ReadonlyMap<number, number>,
  ends: ReadonlyMap<number, number>,
): Promise<Shown[]> {
  const reader = await TopicReader.connect(settings, { topic, reader: 'librdkafka' });
  onTestFinished(() => reader.close());
  for (const [partition, offset] of starts) reader.start(partition, offset);
  const all: Shown[] = [];
  const deadline = performance.now() + WAIT_MS;
  while ([...ends].some(([partition, end]) => (reader.position(partition) ?? 0) < end)) {
    if (performance.now() > deadline) throw new Error(`still reading after ${all.length} records`);
    all.push(...(await reader.fetch(1_000, 100)).map(shown));
  }
  return all;
}

export const inOrder = (records: readonly Shown[]): Shown[] =>
  records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset);

/** The direct reader shows what the client does, byte for byte, and both reach the same ends. */
export async function expectTheSame(
  { settings, admin }: Compared,
  topic: string,
  partitions: readonly number[],
): Promise<Shown[]> {
  const starts = new Map<number, number>();
  const ends = new Map<number, number>();
  for (const partition of partitions) {
    const { logStart, end } = await admin.watermarks(topic, partition);
    starts.set(partition, logStart);
    ends.set(partition, end);
  }
  const reader = directReader(settings, topic);
  for (const [partition, offset] of starts) reader.start(partition, offset);
  const direct = await readDirectly(reader, topic, ends);
  for (const [partition, end] of ends) expect(reader.position(partition)).toBe(end);
  const byClient = await readByClient(settings, topic, starts, ends);
  expect(inOrder(direct)).toEqual(inOrder(byClient));
  return inOrder(direct);
}

export async function producerWith(brokers: string, config: object): Promise<Kafka.Producer> {
  const producer = new Kafka.Producer({
    'metadata.broker.list': brokers,
    'linger.ms': 20,
    'message.max.bytes': 4_000_000,
    ...config,
  });
  await call((done) => producer.connect({ timeout: TIMEOUT_MS }, done));
  producer.setPollInBackground(true);
  onTestFinished(() => call((done) => producer.disconnect(done)).then(() => undefined));
  return producer;
}

export function call(start: (done: (error: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

export const flushed = (producer: Kafka.Producer): Promise<void> =>
  call((done) => producer.flush(TIMEOUT_MS, done));
