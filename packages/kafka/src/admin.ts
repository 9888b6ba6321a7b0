import { AdminRequests, type AdminOptions } from './admin-requests.ts';
import { classify, codeOf, type KafkaError } from './errors.ts';
import {
  type GroupOffsets,
  type ListedOffset,
  logsIn,
  offsetIn,
  type Watermarks,
} from './listed-offsets.ts';
import { listLogPoints, type LogPoint } from './log-ends.ts';
import { CODE, OffsetSpec } from './rdkafka.ts';
import type { KafkaSettings } from './settings.ts';
import {
  descriptionOf,
  type DescribedTopic,
  type TopicDescription,
  type TopicSpec,
} from './topic-description.ts';
import type { Trouble } from './trouble.ts';

const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 50;

/**
 * Topic and offset administration. Every method rejects with a `KafkaRequestError`; each request ends
 * within about ten seconds, and any living broker answers it. Consumer groups are never described: that call
 * crashes the client's native code.
 */
export class KafkaAdmin {
  readonly #requests: AdminRequests;

  constructor(settings: KafkaSettings, options: AdminOptions = {}) {
    this.#requests = new AdminRequests(settings, options);
  }

  /** What keeps the client from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#requests.words.trouble;
  }

  /**
   * Returns null for a topic that does not exist.
   *
   * @throws NoTopicId where the brokers know no ids of topics
   */
  async describeTopic(topic: string): Promise<TopicDescription | null> {
    const doing = `describe ${topic}`;
    const [found] = await this.#requests.question<DescribedTopic[]>(
      doing,
      (client, timeout, done) => client.describeTopics([topic], { timeout }, done),
    );
    if (found === undefined) return null;
    if (found.error !== undefined && codeOf(found.error) !== 0) {
      if (codeOf(found.error) === CODE.unknownTopicOrPartition) return null;
      throw classify(found.error, doing);
    }
    return descriptionOf(found, doing);
  }

  async watermarks(topic: string, partition: number): Promise<Watermarks> {
    const logStart = await this.#offset(topic, partition, OffsetSpec.EARLIEST);
    const end = await this.#offset(topic, partition, OffsetSpec.LATEST);
    return { logStart, end };
  }

  /** One point of many partitions' logs, of those that have a leader (log-ends.ts). */
  logPoints(
    topic: string,
    partitions: readonly number[],
    point: LogPoint,
  ): Promise<Map<number, number | KafkaError>> {
    return listLogPoints(this.#requests, topic, partitions, point);
  }

  /**
   * The logs of several partitions by two requests, each partition with an answer or an error of its own.
   * A leader that does not answer fails them all: ask for its partitions apart.
   */
  async watermarksOf(
    topic: string,
    partitions: readonly number[],
  ): Promise<Map<number, Watermarks | KafkaError>> {
    const starts = await this.#offsets(topic, partitions, OffsetSpec.EARLIEST);
    const ends = await this.#offsets(topic, partitions, OffsetSpec.LATEST);
    const explain = (error: unknown, doing: string) => this.#requests.explain(error, doing);
    return logsIn(topic, partitions, starts, ends, explain);
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
    const [group] = await this.#requests.question<GroupOffsets[]>(doing, (client, timeout, done) =>
      client.listConsumerGroupOffsets([{ groupId, partitions }], { timeout }, done),
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
    await this.#requests.order(`create ${spec.name}`, (client, timeout, done) =>
      client.createTopic(
        {
          topic: spec.name,
          num_partitions: spec.partitions,
          replication_factor: spec.replication,
          config: { ...spec.config },
        },
        timeout,
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
      await this.#requests.order(`delete ${topic}`, (client, timeout, done) =>
        client.deleteTopic(topic, timeout, (error) => done(error, undefined)),
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
    const [found] = await this.#requests.question<LowWatermark[]>(doing, (client, timeout, done) =>
      client.deleteRecords(
        [{ topic, partition, offset }],
        { timeout, operationTimeout: timeout },
        done,
      ),
    );
    if (found?.error !== undefined && codeOf(found.error) !== 0) throw classify(found.error, doing);
    return found?.lowWatermark ?? offset;
  }

  /** Raises the number of partitions to `total` and waits until all have a leader. */
  async addPartitions(topic: string, total: number): Promise<TopicDescription> {
    await this.#requests.order(`add partitions to ${topic}`, (client, timeout, done) =>
      client.createPartitions(topic, total, timeout, (error) => done(error, undefined)),
    );
    return await this.#ready(topic, total);
  }

  /** Closing twice is harmless. */
  close(): void {
    this.#requests.close();
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
    try {
      const answer = offsetIn(
        (await this.#offsets(topic, [partition], offset)).get(partition),
        doing,
        (error) => this.#requests.explain(error, doing),
      );
      if (typeof answer !== 'number') throw answer;
      return answer;
    } catch (error) {
      throw (await this.#leaderMissing(topic, partition, doing)) ?? error;
    }
  }

  async #offsets(
    topic: string,
    partitions: readonly number[],
    offset: InstanceType<typeof OffsetSpec>,
  ): Promise<Map<number, ListedOffset>> {
    const doing = `offsets of ${topic}[${partitions.join()}]`;
    const found = await this.#requests
      .question<ListedOffset[]>(doing, (client, timeout, done) => {
        const asked = partitions.map((partition) => ({ topic, partition, offset }));
        client.listOffsets(asked, { timeout }, done);
      })
      .catch(async (error: unknown) => {
        // All that the client says of a topic that may not be seen; asked for itself, the broker names the right.
        if (codeOf(error) === CODE.noEntry) await this.describeTopic(topic);
        throw error;
      });
    return new Map(found.map((one) => [one.partition, one]));
  }

  /** Only the leader knows the offsets: where there is none, that is the reason of whatever the client said. */
  async #leaderMissing(
    topic: string,
    partition: number,
    doing: string,
  ): Promise<KafkaError | undefined> {
    const found = await this.describeTopic(topic).catch(() => null);
    const one = found?.partitions.find((each) => each.partition === partition);
    if (one === undefined || one.leader !== null) return undefined;
    const message = `leader missing, none of its ${one.replicas} replicas can lead`;
    return classify({ code: CODE.leaderNotAvailable, message }, doing);
  }

  async #ready(topic: string, partitions: number): Promise<TopicDescription> {
    return await this.#until(`leaders of ${topic}`, async () => {
      const found = await this.describeTopic(topic);
      return found !== null &&
        found.partitions.length >= partitions &&
        found.partitions.every((p) => p.leader !== null)
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
        throw this.#requests.explain({ code: CODE.timedOut, message: 'timed out' }, what);
      await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
    }
  }
}

interface LowWatermark {
  lowWatermark: number;
  error?: unknown;
}
