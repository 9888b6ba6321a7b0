import type { SourceRecord } from '@adtally/event-schema';
import { GroupConsumer, type KafkaSettings } from '@adtally/kafka';
import { BenchError } from '../errors.ts';

const JOIN_LIMIT_MS = 60_000;
/** Without a record for so long the topic is not what it was when it was filled. */
const STALL_LIMIT_MS = 30_000;
const FETCH_WAIT_MS = 50;
/** As the service fetches. */
const FETCH_RECORDS = 1_000;

/** Reads a filled topic once from its beginning, as the service does, with the direct reader. */
export class TopicReader {
  readonly #consumer: GroupConsumer;
  readonly #partitions: number;
  #left: number;

  private constructor(consumer: GroupConsumer, ends: readonly number[]) {
    this.#consumer = consumer;
    this.#partitions = ends.length;
    this.#left = ends.reduce((sum, end) => sum + end, 0);
  }

  /** Joins a group of its own and waits until every partition is granted; reads nothing yet. */
  static async open(
    kafka: KafkaSettings,
    topic: string,
    ends: readonly number[],
  ): Promise<TopicReader> {
    const consumer = await GroupConsumer.connect(kafka, {
      groupId: `${topic}-reader-${process.pid}`,
      topic,
      reader: 'direct',
      protocol: process.env['GROUP_PROTOCOL'] === 'classic' ? 'cooperative-sticky' : 'consumer',
    });
    const deadline = performance.now() + JOIN_LIMIT_MS;
    while (consumer.granted.size < ends.length) {
      if (performance.now() > deadline) throw new BenchError(`no partitions of ${topic} granted`);
      await consumer.fetch(1, FETCH_WAIT_MS);
      for (const event of consumer.takeRebalances()) consumer.settle(event);
    }
    return new TopicReader(consumer, ends);
  }

  /** From now on records come in: the clock starts here. */
  begin(): void {
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      this.#consumer.start(partition, 0);
    }
  }

  /** False once every record was handed over. */
  get hasMore(): boolean {
    return this.#left > 0;
  }

  /** Some records, at most `max` and 1,000. @throws BenchError when none come for 30 s */
  async next(max: number): Promise<SourceRecord[]> {
    const deadline = performance.now() + STALL_LIMIT_MS;
    while (performance.now() < deadline) {
      const records = await this.#consumer.fetch(Math.min(max, FETCH_RECORDS), FETCH_WAIT_MS);
      this.#left -= records.length;
      if (records.length > 0) return records;
      for (const event of this.#consumer.takeRebalances()) this.#consumer.settle(event);
    }
    throw new BenchError(`${this.#left} records of the topic do not come`);
  }

  async close(): Promise<void> {
    await this.#consumer.leave();
  }
}
