import { pause } from '@adtally/pacing';
import { NO_TOPIC_ID } from '../topic-id.ts';
import type { Brokers, OpenBroker } from './brokers.ts';
import {
  fetchOf,
  type FetchAnswer,
  type FetchRequest,
  type PartitionRequest,
} from './fetch-protocol.ts';
import type { PartitionReading } from './partition-reading.ts';

/** What a fetcher does its work for. */
export interface FetchDuty {
  readonly topic: string;
  readonly rack: string;
  /** The epoch of the partition's leader as last heard of. */
  leaderEpoch(partition: number): number;
  /** The partitions to be read from this broker, whatever their state. */
  partitionsOf(nodeId: number): PartitionReading[];
  /** Takes bytes out of what may be under way; 0 = none are left. */
  reserve(): number;
  release(bytes: number): void;
  /** What the broker said of the partitions that were asked for. */
  onAnswer(broker: OpenBroker, asked: readonly PartitionReading[], answer: FetchAnswer): void;
  /** The broker has not answered for a while; said again while that lasts. */
  onSilence(): void;
  onFailure(nodeId: number, asked: readonly PartitionReading[], error: unknown): void;
}

/** How long a broker may keep a request when there is nothing to answer with. */
const IDLE_WAIT_MS = 250;
/** The same while something else is being read: its next request waits behind this one. */
const BUSY_WAIT_MS = 5;
/** A record batch larger than this would be sent in part, and in vain, beside others: of events none is, by default (`max.message.bytes`). */
const PARTITION_BYTES_MAX = 1_088 * 1024;
/** Of a first request: its records are counted while the second one, of a full size, is on its way. */
const PARTITION_BYTES_FIRST = 64 * 1024;
/** Longer than any answer should take; a broker that is frozen is waited for much longer, though others may lead by then. */
const SILENT_MS = 2_000;
/** The longest rest of a fetcher that is not woken: partitions put off are due again some time. */
const REST_MS = 50;

/** Keeps one request under way to one broker, for as long as there is something to ask it for. */
export class BrokerFetcher {
  readonly nodeId: number;
  readonly #brokers: Brokers;
  readonly #duty: FetchDuty;
  readonly #stopping = new AbortController();
  #woken = Promise.withResolvers<void>();
  #turn = 0;
  #partitionBytes = PARTITION_BYTES_FIRST;
  #resumeAtMs = 0;
  readonly #running: Promise<void>;

  constructor(nodeId: number, brokers: Brokers, duty: FetchDuty) {
    this.nodeId = nodeId;
    this.#brokers = brokers;
    this.#duty = duty;
    this.#running = this.#run();
  }

  /** There may be something to ask for that there was not before. */
  wake(): void {
    this.#woken.resolve();
  }

  /** Ends after the request under way; its answer is nobody's any more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const nowMs = performance.now();
      const all = this.#duty.partitionsOf(this.nodeId);
      const due = nowMs < this.#resumeAtMs ? [] : all.filter((one) => one.isDue(nowMs));
      const bytes = due.length === 0 ? 0 : this.#duty.reserve();
      if (bytes === 0) await this.#rest();
      else {
        await this.#fetch(
          due,
          bytes,
          all.some((one) => one.hasRecords),
        );
        this.#duty.release(bytes);
      }
    }
  }

  async #rest(): Promise<void> {
    await Promise.race([this.#woken.promise, pause(REST_MS, this.#stopping.signal)]);
    this.#woken = Promise.withResolvers();
  }

  async #fetch(due: readonly PartitionReading[], bytes: number, isBusy: boolean): Promise<void> {
    const inTurn = this.#inTurn(due);
    for (const one of inTurn) one.noteAsked(one === inTurn[0]);
    const silence = setInterval(() => this.#duty.onSilence(), SILENT_MS);
    try {
      const broker = await this.#brokers.to(this.nodeId);
      const request: FetchRequest = {
        topic: this.#duty.topic,
        // All the same: those of another topic have no broker.
        topicId: due[0]?.topicId ?? NO_TOPIC_ID,
        partitions: inTurn.map((one) => this.#ask(one)),
        maxWaitMs: isBusy ? BUSY_WAIT_MS : IDLE_WAIT_MS,
        minBytes: 1,
        maxBytes: bytes,
        rack: this.#duty.rack,
      };
      const answer = await fetchOf(broker.fetchVersion)(broker.connection, request);
      this.#partitionBytes = PARTITION_BYTES_MAX;
      // A broker that throttles answers at once and reads nothing from us until the time is over.
      if (answer.throttleMs > 0) this.#resumeAtMs = performance.now() + answer.throttleMs;
      this.#duty.onAnswer(broker, due, answer);
    } catch (error) {
      this.#duty.onFailure(this.nodeId, due, error);
    } finally {
      clearInterval(silence);
      for (const one of due) one.isAsked = false;
    }
  }

  /**
   * A broker fills its answer in the order asked, and gives a whole batch for certain to the first alone: the
   * starved come first, and all take turns.
   */
  #inTurn(due: readonly PartitionReading[]): PartitionReading[] {
    const first = this.#turn++ % due.length;
    const turned = [...due.slice(first), ...due.slice(0, first)];
    return [...turned.filter((one) => one.isStarved), ...turned.filter((one) => !one.isStarved)];
  }

  #ask(one: PartitionReading): PartitionRequest {
    return {
      partition: one.partition,
      // A follower may not know the newest epoch yet.
      leaderEpoch: one.replica === null ? this.#duty.leaderEpoch(one.partition) : -1,
      offset: one.fetchOffset,
      lastEpoch: one.lastEpoch,
      maxBytes: this.#partitionBytes,
    };
  }
}
