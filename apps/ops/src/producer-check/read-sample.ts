import { CommandError, EXIT } from '@adtally/command-line';
import type { SourceRecord } from '@adtally/event-schema';
import {
  KafkaError,
  type KafkaAdmin,
  type KafkaSettings,
  ReadFault,
  type RecordReader,
  TopicReader,
} from '@adtally/kafka';

export interface SampleRange {
  readonly topic: string;
  /** At most so many records of each partition, the latest ones. */
  readonly recordsPerPartition: number;
  /** By the records' timestamps, in milliseconds since 1970; the first is included, the other is not. */
  readonly sinceMs: number | undefined;
  readonly untilMs: number | undefined;
}

/** Offsets of a partition: the first one, and the one behind the last. */
export interface OffsetSpan {
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

/** Why a partition was not read to the end of its part. */
export interface Unread {
  readonly partition: number;
  readonly reason: string;
}

const READ_RECORDS_MAX = 1_000;
const READ_WAIT_MS = 200;
const BUFFER_BYTES = 8 * 1_024 * 1_024;
/** What a reader says of a topic that it may not read. */
const RIGHT_MISSING = 'topic_authorization';
/** Nothing read for so long: what is left is not to be had. */
const QUIET_MS = 20_000;

/** Where to read, by what the brokers say now. @throws CommandError where there is no such topic */
export async function planSample(
  admin: KafkaAdmin,
  { topic, recordsPerPartition, sinceMs, untilMs }: SampleRange,
): Promise<{ partitions: number; spans: OffsetSpan[]; unread: Unread[] }> {
  const description = await admin.describeTopic(topic);
  if (description === null)
    throw new CommandError(`there is no topic ${topic}`, { exitCode: EXIT.refused });
  const numbers = description.partitions.map(({ partition }) => partition);
  const logs = await admin.watermarksOf(topic, numbers);
  const since = sinceMs === undefined ? null : await admin.offsetsForTime(topic, sinceMs);
  const until = untilMs === undefined ? null : await admin.offsetsForTime(topic, untilMs);
  const spans: OffsetSpan[] = [];
  const unread: Unread[] = [];
  for (const [partition, log] of logs) {
    if (log instanceof KafkaError) {
      unread.push({ partition, reason: log.message });
      continue;
    }
    const to = until?.get(partition) ?? log.end;
    const from = Math.max(since?.get(partition) ?? 0, log.logStart, to - recordsPerPartition);
    if (from < to) spans.push({ partition, from, to });
  }
  return { partitions: numbers.length, spans, unread };
}

/**
 * Reads the spans and hands on every record, without a group and without a commit. What cannot be read is
 * returned with its reason, and does not hold up the rest.
 */
export async function readSample(
  settings: KafkaSettings,
  topic: string,
  spans: readonly OffsetSpan[],
  options: {
    readonly reader: RecordReader;
    readonly take: (record: SourceRecord) => void;
  },
): Promise<Unread[]> {
  if (spans.length === 0) return [];
  const ends = new Map(spans.map(({ partition, to }) => [partition, to]));
  const unread: Unread[] = [];
  const reader = await TopicReader.connect(settings, {
    topic,
    reader: options.reader,
    bufferBytes: BUFFER_BYTES,
  });
  const finish = (partition: number): void => {
    reader.stop(partition);
    ends.delete(partition);
  };
  try {
    for (const { partition, from } of spans) reader.start(partition, from);
    let heardAt = performance.now();
    while (ends.size > 0 && performance.now() - heardAt < QUIET_MS) {
      try {
        const records = await reader.fetch(READ_RECORDS_MAX, READ_WAIT_MS);
        if (records.length > 0) heardAt = performance.now();
        for (const record of records)
          if (record.offset < (ends.get(record.partition) ?? 0)) options.take(record);
      } catch (error) {
        if (!(error instanceof ReadFault) || error.partition === undefined) throw error;
        unread.push({ partition: error.partition, reason: error.message });
        finish(error.partition);
      }
      // Nobody waits for a right here.
      for (const [partition, { code, detail }] of reader.hindrances()) {
        if (code !== RIGHT_MISSING || !ends.has(partition)) continue;
        unread.push({ partition, reason: detail });
        finish(partition);
      }
      // Also at a log's end that is only markers of transactions.
      for (const [partition, to] of ends)
        if ((reader.position(partition) ?? 0) >= to) finish(partition);
    }
    const hindrances = reader.hindrances();
    for (const partition of ends.keys()) {
      const reason = hindrances.get(partition)?.detail ?? reader.trouble?.message ?? 'no answer';
      unread.push({ partition, reason });
    }
  } finally {
    await reader.close();
  }
  return unread;
}
