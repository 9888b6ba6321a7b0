import { noteKnownEnds, type Database } from '@adtally/db';
import {
  KafkaError,
  kafkaFailure,
  TopicIdentity,
  type KafkaAdmin,
  type TopicDescription,
  type TopicMetrics,
  type Watermarks,
} from '@adtally/kafka';
import { Abandoned, RecurringTask, RepeatedWords, unlessStopped } from '@adtally/pacing';
import type { ServerStanding } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import { haltFor, type Halt } from './halt.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';
import { reasonOf } from './wait-reason.ts';

export interface WatchParts {
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly ownership: Ownership;
  readonly metrics: TopicMetrics;
  readonly log: Logger;
  /** How the process stands with its brokers: told of every look. */
  readonly standing?: ServerStanding;
}

/** The broker's number for a partition that nobody leads. */
const NO_LEADER = 5;
/** A look that fails now and then is followed by one that does not; halts wait for it. */
const FAILURES_BEFORE_WORDS = 3;

/**
 * Looks at the topic every few seconds, beside the loop: is it still the one we count, does its log
 * still hold what we have not read? What it finds is handed to the loop, which alone may act on it.
 *
 * Each batch is confirmed as well, after its last record was read and before it is committed: the topic may be
 * made again between two looks.
 */
export class TopicWatch {
  readonly #parts: WatchParts;
  readonly #topic: string;
  readonly #found = new Map<OwnedPartition, Halt>();
  readonly #looking: RecurringTask;
  readonly #identity: TopicIdentity;
  readonly #words = new RepeatedWords();
  /** Looks in a row that failed. */
  #failures = 0;

  constructor(parts: WatchParts, topic: string, intervalMs: number) {
    this.#parts = parts;
    this.#topic = topic;
    this.#identity = new TopicIdentity(parts, topic);
    this.#looking = new RecurringTask({
      everyMs: intervalMs,
      // Brokers may be silent, and whoever is stopping needs no answer of theirs.
      run: (signal) => unlessStopped(this.#look(), signal, 'looking at the topic'),
      onError: (error) => {
        if (!(error instanceof Abandoned)) this.#failed(error);
      },
    });
  }

  start(): void {
    this.#looking.start();
  }

  async stop(): Promise<void> {
    await this.#looking.stop();
    this.#identity.close();
  }

  /** Asks which topic it is by now; returns once that is known, or cannot be known soon. */
  async confirm(): Promise<void> {
    // Claims made after the question are none of the answer's.
    const owned = this.#parts.ownership.allOwned();
    await this.#identity.confirm((described) => {
      if (described !== null) this.#compare(owned, described.topicId);
    });
  }

  /** Found to be of a topic that is gone: what was read of it last may be the new one's. */
  isRecreated(owned: OwnedPartition): boolean {
    return this.#found.get(owned)?.code === 'topic_recreated';
  }

  get hasFound(): boolean {
    return this.#found.size > 0;
  }

  /** Hands over what was found since the last call. */
  take(): Map<OwnedPartition, Halt> {
    const found = new Map(this.#found);
    this.#found.clear();
    return found;
  }

  async #look(): Promise<void> {
    const { db, ownership, log } = this.#parts;
    const all = ownership.allOwned();
    const described = await this.#describe();
    // Deleted and not made again: there is nothing to read, and nothing to decide yet.
    if (described === null) return;
    this.#compare(all, described.topicId);
    const known = all.filter(({ topicId }) => topicId === described.topicId);
    const ends = new Map<number, bigint>();
    let failure: KafkaError | undefined;
    for (const [owned, watermarks] of await this.#logs(known, described)) {
      if (watermarks instanceof KafkaError) {
        failure ??= watermarks;
        continue;
      }
      const halt = haltFor(owned.committedOffset, watermarks);
      if (halt?.code === 'truncated' && !this.isRecreated(owned)) this.#found.set(owned, halt);
      ends.set(owned.sourceId, BigInt(watermarks.end));
    }
    await noteKnownEnds(db, ends);
    if (failure !== undefined) throw failure;
    this.#failures = 0;
    if (this.#words.end('look')) log.info({ topic: this.#topic }, 'the topic is looked at again');
  }

  /** By this alone the brokers count as away: what is the matter with one partition keeps nobody from the others. */
  async #describe(): Promise<TopicDescription | null> {
    const { admin, standing } = this.#parts;
    try {
      const described = await admin.describeTopic(this.#topic);
      this.#noteLook(described !== null);
      return described;
    } catch (error) {
      const failure = kafkaFailure(error);
      if (failure !== null) standing?.failed(failure);
      throw error;
    }
  }

  /** Leader by leader: one that is silent, or missing, hides the logs of its own partitions alone. */
  async #logs(
    all: readonly OwnedPartition[],
    { partitions }: TopicDescription,
  ): Promise<[OwnedPartition, Watermarks | KafkaError][]> {
    const leaders = new Map(partitions.map(({ partition, leader }) => [partition, leader]));
    const found: [OwnedPartition, Watermarks | KafkaError][] = [];
    for (const [leader, led] of Map.groupBy(
      all,
      ({ partition }) => leaders.get(partition) ?? null,
    )) {
      const logs = await this.#logsOf(leader, led);
      for (const owned of led) found.push([owned, logs(owned.partition)]);
    }
    return found;
  }

  async #logsOf(
    leader: number | null,
    led: readonly OwnedPartition[],
  ): Promise<(partition: number) => Watermarks | KafkaError> {
    const numbers = led.map(({ partition }) => partition);
    const nameless = new KafkaError(`${this.#topic}[${numbers.join()}] has no leader`, NO_LEADER);
    if (leader === null) return () => nameless;
    try {
      const logs = await this.#parts.admin.watermarksOf(this.#topic, numbers);
      return (partition) => logs.get(partition) ?? nameless;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return () => error;
    }
  }

  /** A truncated log or a topic made again is found late, or by a batch alone, for as long as this lasts. */
  #failed(error: unknown): void {
    const { log } = this.#parts;
    this.#failures += 1;
    const { code, detail } = reasonOf(error);
    const fields = { topic: this.#topic, reason: code, detail, failures: this.#failures };
    log.debug({ err: error, ...fields }, 'the topic could not be looked at');
    if (this.#failures < FAILURES_BEFORE_WORDS) return;
    if (!this.#words.isDue('look', code, performance.now())) return;
    log.warn(fields, 'the topic cannot be looked at: losses and a topic made again are found late');
  }

  #noteLook(isThere: boolean): void {
    const { standing } = this.#parts;
    if (isThere) return standing?.answered();
    const detail = `topic ${this.#topic} does not exist`;
    standing?.failed({ kind: 'away', code: 'topic_missing', detail });
  }

  #compare(all: readonly OwnedPartition[], topicId: string): void {
    for (const owned of all) {
      if (owned.topicId === topicId) continue;
      const detail = `topic id was ${owned.topicId}, is ${topicId}`;
      this.#found.set(owned, { code: 'topic_recreated', detail, resumeAt: null });
    }
  }
}
