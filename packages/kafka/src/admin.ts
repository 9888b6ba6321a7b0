import type { IAdminClient } from '@confluentinc/kafka-javascript';
import { ClientWords, type TalkingClient } from './client-words.ts';
import { classify, codeOf } from './errors.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { AdminClient, CODE, OffsetSpec } from './rdkafka.ts';
import { renewCredentials, type SaslClient } from './renew-credentials.ts';
import { commonConfig, type KafkaSettings } from './settings.ts';
import { topicIdText } from './topic-id.ts';
import type { Trouble } from './trouble.ts';

export interface TopicDescription {
  /** The id as Kafka's own tools print it; a recreated topic has another one. */
  readonly topicId: string;
  readonly partitions: readonly {
    partition: number;
    replicas: number;
    isr: number;
    hasLeader: boolean;
  }[];
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Topic configuration as the broker names it, such as `message.timestamp.type`. */
  readonly config: Readonly<Record<string, string>>;
}

/** The log of a partition holds the offsets `logStart <= offset < end`. */
export interface Watermarks {
  readonly logStart: number;
  readonly end: number;
}

const REQUEST_TIMEOUT_MS = 10_000;
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 50;

export interface AdminOptions {
  /** How long one request may take, in ms. */
  readonly requestTimeoutMs?: number | undefined;
  readonly onNotice?: OnNotice | undefined;
}

type Callback<T> = (error: unknown, result: T) => void;

/**
 * Topic and offset administration. Every method rejects with a `KafkaRequestError`; each request ends
 * within ten seconds. Consumer groups are never described: that call crashes the client's native code.
 */
export class KafkaAdmin {
  readonly #client: IAdminClient;
  readonly #words: ClientWords;
  readonly #timeoutMs: number;
  #closed = false;

  constructor(settings: KafkaSettings, options: AdminOptions = {}) {
    this.#timeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    this.#client = AdminClient.create(commonConfig(settings));
    // The client's declarations leave out that it is one like the others.
    const client = this.#client as unknown as SaslClient & TalkingClient;
    this.#words = new ClientWords(client, new NoticeBoard(options.onNotice));
    renewCredentials(client, settings);
  }

  /** What keeps the client from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#words.trouble;
  }

  /** Returns null for a topic that does not exist. */
  async describeTopic(topic: string): Promise<TopicDescription | null> {
    const [found] = await this.#ask<DescribedTopic[]>(`describe ${topic}`, (done) =>
      this.#client.describeTopics([topic], { timeout: this.#timeoutMs }, done),
    );
    if (found === undefined) return null;
    if (found.error !== undefined && codeOf(found.error) !== 0) {
      if (codeOf(found.error) === CODE.unknownTopicOrPartition) return null;
      throw classify(found.error, `describe ${topic}`);
    }
    const partitions = found.partitions.map((one) => ({
      partition: one.partition,
      replicas: one.replicas.length,
      isr: one.isr.length,
      hasLeader: one.leader !== null && one.leader !== undefined,
    }));
    return { topicId: topicIdText(found.topicId), partitions: partitions.toSorted(byPartition) };
  }

  async watermarks(topic: string, partition: number): Promise<Watermarks> {
    // One after the other: the client takes one request at a time, and the second would wait for its turn on
    // a thread of the pool that fetches need, too.
    const logStart = await this.#offset(topic, partition, OffsetSpec.EARLIEST);
    const end = await this.#offset(topic, partition, OffsetSpec.LATEST);
    return { logStart, end };
  }

  /**
   * For each partition the first offset whose record was appended at or after `timeMs` (Unix time), or the
   * partition's end where there is none.
   */
  async offsetsForTime(topic: string, timeMs: number): Promise<Map<number, number>> {
    const offsets = new Map<number, number>();
    for (const partition of await this.#partitionsOf(topic)) {
      const found = await this.#offset(topic, partition, new OffsetSpec(timeMs));
      offsets.set(
        partition,
        found >= 0 ? found : await this.#offset(topic, partition, OffsetSpec.LATEST),
      );
    }
    return offsets;
  }

  /** The offsets the group committed; a partition without a commit is absent. */
  async groupOffsets(groupId: string, topic: string): Promise<Map<number, number>> {
    const partitions = (await this.#partitionsOf(topic)).map((partition) => ({ topic, partition }));
    const doing = `offsets of group ${groupId}`;
    const [group] = await this.#ask<GroupOffsets[]>(doing, (done) =>
      this.#client.listConsumerGroupOffsets(
        [{ groupId, partitions }],
        { timeout: this.#timeoutMs },
        done,
      ),
    );
    if (group?.error !== undefined && codeOf(group.error) !== 0) throw classify(group.error, doing);
    const offsets = new Map<number, number>();
    for (const one of group?.partitions ?? []) {
      if (one.error !== undefined && codeOf(one.error) !== 0) throw classify(one.error, doing);
      if (typeof one.offset === 'number' && one.offset >= 0) offsets.set(one.partition, one.offset);
    }
    return offsets;
  }

  /** Creates a topic and waits until every partition has a leader. Rejects when it exists. */
  async createTopic(spec: TopicSpec): Promise<TopicDescription> {
    await this.#ask<void>(`create ${spec.name}`, (done) =>
      this.#client.createTopic(
        {
          topic: spec.name,
          num_partitions: spec.partitions,
          replication_factor: spec.replication,
          config: { ...spec.config },
        },
        this.#timeoutMs,
        (error) => done(error, undefined),
      ),
    );
    return await this.#ready(spec.name, spec.partitions);
  }

  /**
   * Creates the topics that do not exist and leaves the others as they are (their partitions and settings
   * are the caller's to compare). Returns every topic's description and whether this call created it.
   */
  async ensureTopics(
    specs: readonly TopicSpec[],
  ): Promise<(TopicDescription & { name: string; created: boolean })[]> {
    const result = [];
    for (const spec of specs) {
      const found = await this.describeTopic(spec.name);
      if (found !== null) {
        result.push({ name: spec.name, created: false, ...found });
        continue;
      }
      try {
        result.push({ name: spec.name, created: true, ...(await this.createTopic(spec)) });
      } catch (error) {
        // Another process was quicker.
        if (codeOf(error) !== CODE.topicAlreadyExists) throw error;
        result.push({ name: spec.name, created: false, ...(await this.#ready(spec.name, 1)) });
      }
    }
    return result;
  }

  /** Deletes a topic and waits until it is gone; one that does not exist is no error. */
  async deleteTopic(topic: string): Promise<void> {
    try {
      await this.#ask<void>(`delete ${topic}`, (done) =>
        this.#client.deleteTopic(topic, this.#timeoutMs, (error) => done(error, undefined)),
      );
    } catch (error) {
      if (codeOf(error) !== CODE.unknownTopicOrPartition) throw error;
    }
    await this.#until(
      `deletion of ${topic}`,
      async () => (await this.describeTopic(topic)) === null || undefined,
    );
  }

  /** Removes all records before `offset`; returns the new start of the log. */
  async deleteRecordsBefore(topic: string, partition: number, offset: number): Promise<number> {
    const doing = `delete records of ${topic}[${partition}]`;
    const [found] = await this.#ask<{ lowWatermark: number; error?: unknown }[]>(doing, (done) =>
      this.#client.deleteRecords(
        [{ topic, partition, offset }],
        { timeout: this.#timeoutMs, operationTimeout: this.#timeoutMs },
        done,
      ),
    );
    if (found?.error !== undefined && codeOf(found.error) !== 0) throw classify(found.error, doing);
    return found?.lowWatermark ?? offset;
  }

  /** Raises the number of partitions to `total` and waits until all have a leader. */
  async addPartitions(topic: string, total: number): Promise<TopicDescription> {
    await this.#ask<void>(`add partitions to ${topic}`, (done) =>
      this.#client.createPartitions(topic, total, this.#timeoutMs, (error) =>
        done(error, undefined),
      ),
    );
    return await this.#ready(topic, total);
  }

  /** Closing twice is harmless. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#client.disconnect();
  }

  async #partitionsOf(topic: string): Promise<number[]> {
    const found = await this.describeTopic(topic);
    if (found === null)
      throw classify({ code: CODE.unknownTopicOrPartition, message: 'unknown topic' }, topic);
    return found.partitions.map((one) => one.partition);
  }

  async #offset(
    topic: string,
    partition: number,
    offset: InstanceType<typeof OffsetSpec>,
  ): Promise<number> {
    const doing = `offsets of ${topic}[${partition}]`;
    const [found] = await this.#ask<{ offset: number; error?: unknown }[]>(doing, (done) =>
      this.#client.listOffsets([{ topic, partition, offset }], { timeout: this.#timeoutMs }, done),
    );
    if (found === undefined) throw classify({ code: -1, message: 'no answer' }, doing);
    if (found.error !== undefined && codeOf(found.error) !== 0) throw classify(found.error, doing);
    return found.offset;
  }

  async #ready(topic: string, partitions: number): Promise<TopicDescription> {
    return await this.#until(`leaders of ${topic}`, async () => {
      const found = await this.describeTopic(topic);
      return found !== null &&
        found.partitions.length >= partitions &&
        found.partitions.every((p) => p.hasLeader)
        ? found
        : undefined;
    });
  }

  async #until<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const found = await probe();
      if (found !== undefined) return found;
      if (performance.now() > deadline)
        throw this.#words.explain({ code: CODE.timedOut, message: 'timed out' }, what);
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }

  #ask<T>(doing: string, call: (done: Callback<T>) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      try {
        call((error, result) => {
          if (error) return reject(this.#words.explain(error, doing));
          this.#words.worked();
          resolve(result);
        });
      } catch (error) {
        reject(classify(error, doing));
      }
    });
  }
}

interface GroupOffsets {
  error?: unknown;
  partitions: { partition: number; offset: number | null; error?: unknown }[];
}

interface DescribedTopic {
  topicId: { mostSignificantBits: bigint; leastSignificantBits: bigint };
  error?: unknown;
  partitions: { partition: number; leader: unknown; replicas: unknown[]; isr: unknown[] }[];
}

function byPartition(a: { partition: number }, b: { partition: number }): number {
  return a.partition - b.partition;
}
