import { Buffer } from 'node:buffer';
import { registerTopic, type Database } from '@adtally/db';
import type { SourceRecord } from '@adtally/event-schema';
import { uniqueName } from '@adtally/testkit';
import { BORN_MS, idAt, shown, type ImpressionSpec, type Message } from './records.ts';

/** Impressions a log numbers for itself: logs that share a database never share a key. */
const NUMBERS_PER_LOG = 1_000_000;
let logs = 0;

/** A topic as the pipeline sees one: per partition a sequence of records, and its source in the database. */
export class TestLog {
  readonly topic: string;
  readonly sourceIds: readonly number[];
  readonly #partitions: SourceRecord[][];
  readonly #firstNumber = NUMBERS_PER_LOG * logs++;

  private constructor(topic: string, sourceIds: readonly number[]) {
    this.topic = topic;
    this.sourceIds = sourceIds;
    this.#partitions = sourceIds.map(() => []);
  }

  /** A topic of its own, registered with genesis 0, so that tests can share a database. */
  static async create(db: Database, partitions = 1): Promise<TestLog> {
    const topic = uniqueName('log');
    const registered = await registerTopic(db, {
      kind: 'events',
      topic,
      topicId: topic,
      partitions,
      genesis: () => 0n,
    });
    const sorted = registered.toSorted((a, b) => a.partition - b.partition);
    return new TestLog(
      topic,
      sorted.map((source) => source.sourceId),
    );
  }

  /** The message of this log's impression `n`. */
  shown(n: number, spec: Omit<ImpressionSpec, 'n'> = {}): Message {
    return shown(this.#firstNumber + n, spec);
  }

  /** The id of this log's impression `n`, where it was born at the usual moment. */
  impressionId(n: number): string {
    return idAt(BORN_MS, this.#firstNumber + n);
  }

  /** Messages of `count` impressions numbered from `from`. */
  manyShown(count: number, from = 0): Message[] {
    return Array.from({ length: count }, (_, index) => this.shown(from + index));
  }

  append(partition: number, messages: readonly Message[]): SourceRecord[] {
    const records = this.#partitions[partition] as SourceRecord[];
    for (const message of messages) {
      // Bytes are copied: a test must see it if the pipeline changed them.
      const value = message.value === null ? null : Buffer.from(message.value);
      records.push({ topic: this.topic, partition, offset: records.length, ...message, value });
    }
    return this.read(partition, records.length - messages.length);
  }

  /** Records from an offset on, at most so many. */
  read(partition: number, from: number, max = Number.POSITIVE_INFINITY): SourceRecord[] {
    return (this.#partitions[partition] as SourceRecord[]).slice(from, from + max);
  }

  end(partition: number): number {
    return (this.#partitions[partition] as SourceRecord[]).length;
  }

  get records(): SourceRecord[] {
    return this.#partitions.flat();
  }

  sourceId(partition: number): number {
    return this.sourceIds[partition] as number;
  }
}
