import type { RecordSpans } from '../record-batch/record-spans.ts';
import type { KafkaSettings } from '../settings.ts';
import type { OnThrottle } from '../throttling.ts';
import { BrokerFetcher, type FetchDuty } from './broker-fetcher.ts';
import { Brokers, type TopicView } from './brokers.ts';
import { meaningOf } from './answer-meaning.ts';
import type { FetchAnswer, PartitionAnswer } from './fetch-protocol.ts';
import { PartitionReading, type ReadFault, type ReadReason } from './partition-reading.ts';
import { TopicLook } from './topic-look.ts';

export interface DirectReaderOptions {
  readonly topic: string;
  /** Bytes of log fetched and not handed out, and under way, at most; and one batch more. */
  readonly bufferBytes: number;
  /** `client.rack`: a follower that stands there is read from; '' = leaders only. */
  readonly rack?: string;
  /** Told of each answer by which a broker holds this client back. */
  readonly onThrottle?: OnThrottle;
}

export interface StartOptions {
  /** As Kafka's tools print it: another topic under the name is not read. */
  readonly topicId?: string;
  /**
   * Of the leader that appended the batch before the offset: where the log does not hold what was read then,
   * the partition's fault says so.
   */
  readonly lastEpoch?: number;
}

const UNKNOWN_EPOCH = -1;
const REQUEST_BYTES_MAX = 16 * 1024 * 1024;
const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Reads partitions of one topic at offsets the caller names, over the protocol itself: what a broker sends is
 * walked in place into spans, and no object is made of a record. Each partition in offset order from its
 * start, committed records only, none twice; a partition that cannot be read says so by its fault and the
 * others go on.
 */
export class DirectReader {
  readonly #options: DirectReaderOptions;
  readonly #brokers: Brokers;
  readonly #readings = new Map<number, PartitionReading>();
  readonly #fetchers = new Map<number, BrokerFetcher>();
  readonly #duty: FetchDuty;
  readonly #look: TopicLook;
  /** What each was started for, as a UUID. */
  readonly #topicIds = new WeakMap<PartitionReading, string>();
  #view: TopicView | null = null;
  #bytesUnderWay = 0;
  #arrived = Promise.withResolvers<void>();
  #lastServed = -1;
  #isClosed = false;

  constructor(settings: KafkaSettings, options: DirectReaderOptions) {
    this.#options = options;
    this.#brokers = new Brokers(settings);
    this.#look = new TopicLook(this.#brokers, options.topic, {
      onView: (view) => this.#adopt(view),
      onFailure: (detail) => this.#putOffHomeless({ code: 'broker_unreachable', detail }),
      mustLook: () => this.#isHomeless,
    });
    this.#duty = {
      topic: options.topic,
      rack: options.rack ?? '',
      topicId: () => this.#view?.topicId ?? NO_TOPIC_ID,
      leaderEpoch: (partition) => this.#view?.leaders.get(partition)?.epoch ?? -1,
      partitionsOf: (nodeId) =>
        [...this.#readings.values()].filter((one) => this.#nodeOf(one) === nodeId),
      reserve: () => this.#reserve(),
      release: (bytes) => {
        this.#bytesUnderWay -= bytes;
      },
      onAnswer: (nodeId, asked, answer) => this.#onAnswer(nodeId, asked, answer),
      onFailure: (nodeId, asked, reason) => this.#onFailure(nodeId, asked, reason),
    };
  }

  /** Reads a partition from `offset` on, anew where it is read already. */
  start(partition: number, offset: number, options: StartOptions = {}): void {
    if (this.#isClosed) throw new Error('start on a reader that is closed');
    const reading = new PartitionReading(partition, offset, options.lastEpoch ?? UNKNOWN_EPOCH);
    this.#readings.set(partition, reading);
    if (options.topicId !== undefined) this.#topicIds.set(reading, uuidOf(options.topicId));
    if (this.#view !== null) this.#checkTopic(reading, this.#view);
    this.#look.look();
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
  }

  /** Ends reading a partition; what was fetched of it is dropped. */
  stop(partition: number): void {
    this.#readings.delete(partition);
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
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

  /** Why nothing comes of a partition for now; null where it is read as it should. */
  reason(partition: number): ReadReason | null {
    return this.#readings.get(partition)?.reason ?? null;
  }

  /** The partitions that are read no further. */
  faults(): Map<number, ReadFault> {
    const faults = new Map<number, ReadFault>();
    for (const { partition, fault } of this.#readings.values()) {
      if (fault !== null) faults.set(partition, fault);
    }
    return faults;
  }

  /** Waits up to `timeoutMs` for records, then appends what is at hand until the spans are full. */
  async read(into: RecordSpans, timeoutMs: number): Promise<void> {
    if (!this.#hasRecords) {
      const { promise } = this.#arrived;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([promise, over]);
      clearTimeout(timer);
    }
    for (const reading of this.#inTurn()) {
      if (into.isFull) break;
      reading.read(into);
      this.#lastServed = reading.partition;
    }
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
  }

  /** Ends all requests; what is under way is nobody's. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#readings.clear();
    this.#brokers.close();
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.stop()));
    await this.#look.close();
  }

  get #hasRecords(): boolean {
    for (const reading of this.#readings.values()) if (reading.hasRecords) return true;
    return false;
  }

  /** Those with records, the one after the last served first: none starves. */
  #inTurn(): PartitionReading[] {
    const ready = [...this.#readings.values()]
      .filter((one) => one.hasRecords)
      .toSorted((a, b) => a.partition - b.partition);
    const first = ready.findIndex((one) => one.partition > this.#lastServed);
    return first < 1 ? ready : [...ready.slice(first), ...ready.slice(0, first)];
  }

  #nodeOf(reading: PartitionReading): number | null {
    if (reading.replica !== null) return reading.replica;
    const leader = this.#view?.leaders.get(reading.partition);
    return leader === undefined || leader.nodeId < 0 ? null : leader.nodeId;
  }

  /** Bytes fetched and not handed out yet. */
  get heldBytes(): number {
    let held = 0;
    for (const reading of this.#readings.values()) held += reading.queuedBytes;
    return held;
  }

  #reserve(): number {
    const held = this.#bytesUnderWay + this.heldBytes;
    const { bufferBytes } = this.#options;
    // A request that waits for records at one broker must leave room for those to the others.
    const share = Math.ceil(bufferBytes / this.#fetchers.size);
    const bytes = Math.min(REQUEST_BYTES_MAX, share, bufferBytes - held);
    if (bytes <= 0) return 0;
    this.#bytesUnderWay += bytes;
    return bytes;
  }

  #onAnswer(nodeId: number, asked: readonly PartitionReading[], answer: FetchAnswer): void {
    if (answer.error !== 0) {
      return this.#onFailure(nodeId, asked, `it answers with error ${answer.error}`);
    }
    const { throttleMs: forMs } = answer;
    if (forMs > 0) this.#options.onThrottle?.({ forMs, broker: String(nodeId) });
    for (const one of answer.partitions) {
      const reading = asked.find(({ partition }) => partition === one.partition);
      // Stopped, or started anew, while the request was under way.
      if (reading === undefined || this.#readings.get(one.partition) !== reading) continue;
      this.#take(reading, one);
    }
    if (this.#hasRecords || this.faults().size > 0) this.#announce();
  }

  #take(reading: PartitionReading, answer: PartitionAnswer): void {
    const meaning = meaningOf(answer, reading.fetchOffset);
    // Whatever a follower refuses, the leader decides.
    if (meaning.kind !== 'records' && meaning.kind !== 'epoch_unknown') reading.replica = null;
    switch (meaning.kind) {
      case 'records':
        reading.take(answer);
        reading.replica = answer.preferredReplica ?? reading.replica;
        if (reading.replica !== null) this.#fetchFrom(reading.replica);
        return;
      case 'epoch_unknown':
        return reading.forgetEpoch();
      case 'diverged':
        return reading.diverge(meaning.at);
      case 'out_of_range':
        return reading.outOfRange();
      case 'fault':
        reading.fault = meaning.fault;
        return;
      case 'elsewhere':
        reading.putOff(meaning.reason, performance.now());
        return this.#look.look();
      case 'later':
        return reading.putOff(meaning.reason, performance.now());
      default:
        meaning satisfies never;
    }
  }

  #onFailure(nodeId: number, asked: readonly PartitionReading[], reason: string): void {
    for (const reading of asked) {
      if (this.#readings.get(reading.partition) !== reading) continue;
      reading.replica = null;
      const detail = `broker ${nodeId}: ${reason}`;
      reading.putOff({ code: 'broker_unreachable', detail }, performance.now());
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
    for (const reading of this.#readings.values()) this.#checkTopic(reading, view);
    this.#view = view;
    for (const { nodeId } of view?.leaders.values() ?? []) {
      if (nodeId >= 0) this.#fetchFrom(nodeId);
    }
    this.#putOffHomeless({ code: 'leader_missing', detail: 'the partition has no leader' });
    for (const fetcher of this.#fetchers.values()) fetcher.wake();
  }

  /** A topic that is gone, or another one by now, ends the reading: what it counts for must be looked at. */
  #checkTopic(reading: PartitionReading, view: TopicView | null): void {
    const before = this.#topicIds.get(reading) ?? this.#view?.topicId ?? view?.topicId;
    if (view !== null && view.topicId === before) return;
    reading.fault ??= { kind: 'topic_gone', position: reading.position };
    this.#announce();
  }

  #fetchFrom(nodeId: number): void {
    if (this.#fetchers.has(nodeId)) return;
    this.#fetchers.set(nodeId, new BrokerFetcher(nodeId, this.#brokers, this.#duty));
  }

  #putOffHomeless(reason: ReadReason): void {
    for (const reading of this.#readings.values()) {
      if (this.#nodeOf(reading) === null) reading.reason = reason;
    }
  }

  #announce(): void {
    this.#arrived.resolve();
    this.#arrived = Promise.withResolvers();
  }
}

function uuidOf(topicId: string): string {
  const hex = Buffer.from(topicId, 'base64url').toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
