import type { Hindrance } from '../record-source.ts';
import type { RecordSpans } from '../record-batch/record-spans.ts';
import type { KafkaSettings } from '../settings.ts';
import type { OnThrottle } from '../throttling.ts';
import { NO_TOPIC_ID, uuidOf } from '../topic-id.ts';
import { meaningOf } from './answer-meaning.ts';
import { Brokers, type OpenBroker, type SpokenVersions, type TopicView } from './brokers.ts';
import { ByteBudget } from './byte-budget.ts';
import { unreachable } from './connection-failure.ts';
import { requireSupported } from './connection-options.ts';
import { Fetchers } from './fetchers.ts';
import { FETCH_VERSIONS, type FetchAnswer, type PartitionAnswer } from './fetch-protocol.ts';
import { LeaderForesight } from './leader-foresight.ts';
import { PartitionReading, type ReadFault } from './partition-reading.ts';
import { Readings } from './readings.ts';
import { TopicLook } from './topic-look.ts';

export interface DirectReaderOptions {
  readonly topic: string;
  /** Bytes of log fetched and not handed out, and under way, at most; and one batch more. */
  readonly bufferBytes: number;
  /** The newest formats to be spoken; for tests, as old brokers do. */
  readonly newest?: SpokenVersions;
  /** Told of each answer by which a broker holds this client back. */
  readonly onThrottle?: OnThrottle;
}

export interface StartOptions {
  /** As Kafka's tools print it: another topic under the name is not read. */
  readonly topicId?: string | undefined;
  /**
   * Of the leader that appended the batch before the offset: where the log does not hold what was read then,
   * the partition's fault says so.
   */
  readonly lastEpoch?: number | undefined;
}

/**
 * Reads partitions of one topic at offsets the caller names, over the protocol itself: what a broker sends is
 * walked in place into spans, and no object is made of a record. Each partition in offset order from its
 * start, committed records only, none twice; a partition that cannot be read says so by its fault and the
 * others go on.
 */
export class DirectReader {
  readonly #options: DirectReaderOptions;
  readonly #brokers: Brokers;
  readonly #readings = new Readings();
  readonly #fetchers: Fetchers;
  readonly #foresight: LeaderForesight;
  readonly #look: TopicLook;
  #view: TopicView | null = null;
  #isTopicSure = true;
  #arrived = Promise.withResolvers<void>();
  /** Since the last read. */
  #isWoken = false;
  #isClosed = false;

  /** @throws SettingNotSupported */
  constructor(settings: KafkaSettings, options: DirectReaderOptions) {
    // At once, not at each connection; a file that is away for a moment is that connection's affair.
    requireSupported(settings);
    this.#options = options;
    this.#brokers = new Brokers(settings, options.newest);
    this.#foresight = new LeaderForesight(this.#brokers, options.topic);
    this.#look = new TopicLook(this.#brokers, options.topic, {
      onView: (view) => this.#adopt(view),
      onFailure: (error) => this.#hinderHomeless(() => unreachable(error)),
      mustLook: () => this.#isHomeless,
    });
    const budget = new ByteBudget(options.bufferBytes, () => this.heldBytes);
    this.#fetchers = new Fetchers(this.#brokers, {
      topic: options.topic,
      rack: settings.rack ?? '',
      leaderEpoch: (partition) => this.#view?.leaders.get(partition)?.epoch ?? -1,
      partitionsOf: (nodeId) =>
        [...this.#readings.values()].filter((one) => this.#nodeOf(one) === nodeId),
      reserve: () => budget.reserve(this.#fetchers.size),
      release: (bytes) => budget.release(bytes),
      onSilence: () => this.#look.look(),
      onAnswer: (broker, asked, answer) => this.#onAnswer(broker, asked, answer),
      onFailure: (nodeId, asked, reason) => this.#onFailure(nodeId, asked, reason),
    });
  }

  /** These may be started soon: their leaders are found and connected to meanwhile. */
  expect(partitions: readonly number[]): void {
    if (!this.#isClosed) void this.#foresight.expect(partitions, this.#view);
  }

  /** The read that waits for records, or the next one to, returns without any. */
  wake(): void {
    this.#isWoken = true;
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }

  /** Reads a partition from `offset` on, anew where it is read already. */
  start(partition: number, offset: number, options: StartOptions = {}): void {
    if (this.#isClosed) throw new Error('start on a reader that is closed');
    const { topicId, lastEpoch } = options;
    const id = topicId === undefined ? (this.#view?.topicId ?? null) : uuidOf(topicId);
    const reading = new PartitionReading(partition, offset, { lastEpoch, topicId: id });
    this.#readings.set(partition, reading);
    if (topicId === undefined) this.#isTopicSure = false;
    this.#look.look();
    // No look follows one that is just over: it kept only the brokers of what was read by then.
    const nodeId = this.#nodeOf(reading);
    if (nodeId !== null) this.#fetchers.ensure(nodeId);
    this.#fetchers.wake();
  }

  /** Ends reading a partition; what was fetched of it is dropped. */
  stop(partition: number): void {
    this.#readings.delete(partition);
    this.#fetchers.wake();
  }

  /** The next offset to be handed out; it passes over what is never delivered. Undefined where it is not read. */
  position(partition: number): number | undefined {
    return this.#readings.get(partition)?.position;
  }

  /** The partitions that are read, those at fault included. */
  partitions(): number[] {
    return [...this.#readings.keys()];
  }

  /** What was read up to the position, by the leader's epoch; null where it is not known. */
  lastRead(partition: number): { offset: number; leaderEpoch: number } | null {
    const reading = this.#readings.get(partition);
    if (reading === undefined || reading.readEpoch < 0) return null;
    return { offset: reading.position, leaderEpoch: reading.readEpoch };
  }

  /** The log's end as the last answer told it; null when unknown. */
  end(partition: number): number | null {
    return this.#readings.get(partition)?.end ?? null;
  }

  /** Why nothing comes of partitions for now; those that are read as they should be are left out. */
  hindrances(): Map<number, Hindrance> {
    return this.#readings.hindrances();
  }

  /**
   * Whether all that was fetched was asked for by the id of the topic that `start` named: brokers that know no
   * ids, and a start without one, leave that open.
   */
  get isTopicSure(): boolean {
    return this.#isTopicSure;
  }

  /** The partitions that are read no further. */
  faults(): Map<number, ReadFault> {
    return this.#readings.faults();
  }

  /** Waits up to `timeoutMs` for records, then appends what is at hand until the spans are full. */
  async read(into: RecordSpans, timeoutMs: number): Promise<void> {
    if (!this.#readings.hasRecords && !this.#isWoken) {
      const { promise } = this.#arrived;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([promise, over]);
      clearTimeout(timer);
    }
    this.#isWoken = false;
    this.#readings.readInTurn(into);
    this.#fetchers.wake();
  }

  /** Ends all requests; what is under way is nobody's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#readings.clear();
    await this.#brokers.close();
    await this.#fetchers.stop();
    await this.#look.close();
  }

  /** The broker to read it from; null while none is known, or only those of another topic of the name. */
  #nodeOf(reading: PartitionReading): number | null {
    if (reading.topicId !== this.#view?.topicId) return null;
    if (reading.replica !== null) return reading.replica;
    const leader = this.#view?.leaders.get(reading.partition);
    return leader === undefined || leader.nodeId < 0 ? null : leader.nodeId;
  }

  /** Bytes fetched and not handed out yet. */
  get heldBytes(): number {
    return this.#readings.heldBytes;
  }

  #onAnswer(broker: OpenBroker, asked: readonly PartitionReading[], answer: FetchAnswer): void {
    if (answer.error !== 0) {
      const detail = `broker ${broker.name} answers with error ${answer.error}`;
      return this.#putOff(asked, { code: 'broker_error', detail });
    }
    if (broker.fetchVersion < FETCH_VERSIONS.byId) this.#isTopicSure = false;
    const { throttleMs: forMs } = answer;
    if (forMs > 0) this.#options.onThrottle?.({ forMs, broker: broker.name });
    for (const one of answer.partitions) {
      const reading = asked.find(({ partition }) => partition === one.partition);
      // Stopped, or started anew, while the request was under way.
      if (reading === undefined || !this.#readings.holds(reading)) continue;
      this.#take(reading, one);
    }
    if (this.#readings.hasRecords || this.#readings.hasFaults) this.wake();
  }

  #take(reading: PartitionReading, answer: PartitionAnswer): void {
    const meaning = meaningOf(answer, reading.fetchOffset);
    if (reading.replica !== null && meaning.kind !== 'records') {
      // Whatever a follower refuses, the leader decides: it may lag behind.
      return reading.putOff(null, performance.now());
    }
    switch (meaning.kind) {
      case 'records':
        reading.take(answer, performance.now());
        if (answer.preferredReplica !== null) {
          reading.readFrom(answer.preferredReplica, performance.now());
          this.#fetchers.ensure(answer.preferredReplica);
        } else reading.reconsiderReplica(performance.now());
        return;
      case 'epoch_unknown':
        return reading.forgetEpoch();
      case 'diverged':
        return reading.diverge(meaning.at);
      case 'out_of_range':
        return reading.outOfRange();
      case 'fault':
        return reading.refuse(meaning.fault, performance.now());
      case 'later':
        return this.#putOff([reading], meaning.hindrance);
      default:
        meaning satisfies never;
    }
  }

  #onFailure(nodeId: number, asked: readonly PartitionReading[], error: unknown): void {
    this.#putOff(asked, unreachable(error, `broker ${nodeId}`));
  }

  #putOff(asked: readonly PartitionReading[], hindrance: Hindrance): void {
    for (const reading of asked) {
      if (this.#readings.holds(reading)) reading.putOff(hindrance, performance.now());
    }
    this.#look.look();
  }

  get #isHomeless(): boolean {
    for (const reading of this.#readings.values()) {
      if (reading.fault === null && this.#nodeOf(reading) === null) return true;
    }
    return false;
  }

  #adopt(view: TopicView | null): void {
    this.#view = view;
    const { topic } = this.#options;
    for (const reading of this.#readings.values()) {
      // One that was started without an id reads the first topic it finds.
      reading.topicId ??= view?.topicId ?? null;
      if (view !== null && reading.topicId === view.topicId) continue;
      // A broker that knows no ids does not say that it is another topic.
      if (view?.topicId === NO_TOPIC_ID) continue;
      // A topic that is gone, or another one by now: what it counts for must be looked at.
      reading.fault ??= { kind: 'topic_gone', position: reading.position };
      this.wake();
    }
    this.#fetchers.keep(this.#usedNodes());
    this.#hinderHomeless((partition) =>
      view?.topicId === NO_TOPIC_ID
        ? { code: 'broker_error', detail: `the brokers give ${topic} no id` }
        : { code: 'leader_missing', detail: `${topic}[${partition}] has no leader` },
    );
    this.#fetchers.wake();
  }

  /** Leaders also of what is read from a follower: that may end at any time. */
  #usedNodes(): Set<number> {
    const nodes = new Set<number>();
    for (const { partition, replica } of this.#readings.values()) {
      for (const nodeId of [replica, this.#view?.leaders.get(partition)?.nodeId]) {
        if (nodeId !== null && nodeId !== undefined && nodeId >= 0) nodes.add(nodeId);
      }
    }
    return nodes;
  }

  #hinderHomeless(why: (partition: number) => Hindrance): void {
    for (const reading of this.#readings.values()) {
      if (this.#nodeOf(reading) === null) reading.hindrance = why(reading.partition);
    }
  }
}
