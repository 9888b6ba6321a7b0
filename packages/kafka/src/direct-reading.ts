import { setImmediate } from 'node:timers/promises';
import type { ClientWords } from './client-words.ts';
import { DirectReader } from './direct/direct-reader.ts';
import type { ReadFault as DirectFault } from './direct/partition-reading.ts';
import { codeOf, isFatal } from './errors.ts';
import { PlacedRecords, type FetchedRecords } from './fetched-records.ts';
import type { Watermarks } from './listed-offsets.ts';
import type { LogWitness, ReadUpTo } from './log-witness.ts';
import type { PacedConsume } from './paced-consume.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';
import {
  BatchUnreadable,
  LogDiverged,
  OffsetOutOfRange,
  ReadFault,
  TopicGone,
} from './read-faults.ts';
import type { Start } from './readers.ts';
import type { Reading } from './reading.ts';
import type { Hindrance } from './record-source.ts';
import { RecordSpans } from './record-batch/record-spans.ts';
import type { KafkaSettings } from './settings.ts';
import type { Throttling } from './throttling.ts';

export interface DirectReadingParts {
  readonly native: NativeConsumer;
  readonly paced: PacedConsume;
  readonly settings: KafkaSettings;
  readonly witness: LogWitness;
  readonly words: ClientWords;
  readonly throttling: Throttling;
  readonly topic: string;
  /** Bytes of log that may be held and under way. */
  readonly bufferBytes: number;
  /** The group gave the member's partitions away since it paused too long; called inside `fetch`. */
  readonly onThrownOut?: () => void;
  watermarks(partition: number): Promise<Watermarks>;
}

/** Records handed out at most by one fetch. */
const FETCH_RECORDS_MAX = 10_000;
/** How long one call attends to the client, which answers its group in such a call only. Leaving waits for its end. */
const ATTEND_MS = 20;
/** A right that the client, which reads nothing, does not miss: its owner goes by what the client says. */
const RIGHT_TO_READ = 'topic_authorization';
const SAY_AGAIN_MS = 5_000;

/**
 * Reads over the protocol itself; the client, which reads nothing, keeps the membership. It is attended to
 * during fetches alone, so that a caller that stops fetching loses its partitions as with the client's own reading.
 */
export class DirectReading implements Reading {
  readonly #parts: DirectReadingParts;
  readonly #reader: DirectReader;
  readonly #spans = new RecordSpans(FETCH_RECORDS_MAX);
  readonly #lost = new Set<number>();
  /** Thrown once each. */
  readonly #told = new Set<number>();
  readonly #fetched: PlacedRecords;
  #fetching: Promise<FetchedRecords> | null = null;
  #attending: Promise<void> | null = null;
  #failure: Error | null = null;
  /** When it is said again that the topic may not be read; 0 while it may. */
  #refusedUntilMs = 0;

  constructor(parts: DirectReadingParts) {
    this.#parts = parts;
    const { topic, bufferBytes } = parts;
    this.#fetched = new PlacedRecords(this.#spans, topic);
    this.#reader = new DirectReader(parts.settings, {
      topic,
      bufferBytes,
      onThrottle: (throttle) => parts.throttling.note(throttle),
    });
  }

  get isFetching(): boolean {
    return this.#fetching !== null;
  }

  async idle(): Promise<void> {
    await this.#fetching?.catch(() => undefined);
    await this.#attending;
  }

  async read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    if (this.isFetching) throw new Error('fetch while another fetch is in flight');
    this.#parts.words.throwIfGivenUp();
    this.#attend();
    const fetching = this.#fetch(maxRecords, timeoutMs);
    this.#fetching = fetching;
    try {
      return await fetching;
    } finally {
      this.#fetching = null;
    }
  }

  /** A partition that cannot be read says so by itself. */
  checkQuiet(): void {}

  wake(): void {
    this.#reader.wake();
  }

  expect(partitions: readonly number[]): void {
    this.#reader.expect(partitions);
    this.#reader.wake();
  }

  start(partition: number, { offset, last, topicId }: Start): void {
    this.#lost.delete(partition);
    this.#told.delete(partition);
    // Of an earlier record the epoch says nothing about this place.
    const lastEpoch = last?.offset === offset ? last.leaderEpoch : undefined;
    this.#reader.start(partition, offset, { topicId, lastEpoch });
  }

  stop(partitions: readonly number[], answer: boolean): void {
    for (const partition of partitions) {
      this.#lost.delete(partition);
      this.#reader.stop(partition);
    }
    if (answer) this.#parts.native.incrementalUnassign([]);
  }

  lose(partitions: readonly number[]): void {
    for (const partition of partitions) if (this.has(partition)) this.#lost.add(partition);
  }

  partitions(): number[] {
    return this.#reader.partitions();
  }

  has(partition: number): boolean {
    return this.#reader.position(partition) !== undefined;
  }

  /** Of a lost partition it says nothing: what comes of it is dropped, and was not nothing. */
  position(partition: number): number | undefined {
    return this.#lost.has(partition) ? undefined : this.#reader.position(partition);
  }

  lastRead(partition: number): ReadUpTo | null {
    return this.#lost.has(partition) ? null : this.#reader.lastRead(partition);
  }

  cachedEnd(partition: number): number | null {
    return this.#reader.end(partition);
  }

  get isTopicSure(): boolean {
    return this.#reader.isTopicSure;
  }

  hindrances(): ReadonlyMap<number, Hindrance> {
    return this.#reader.hindrances();
  }

  async close(): Promise<void> {
    await this.#reader.close();
  }

  async #fetch(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    if (this.#failure !== null) throw this.#failure;
    const { words } = this.#parts;
    const fault = await this.#nextFault();
    if (fault !== null) throw fault;
    // Records at hand are answered at once: without a turn of the event loop the sockets, ours and the
    // database's, would wait until a whole batch is read.
    await setImmediate();
    this.#spans.clear(Math.min(maxRecords, FETCH_RECORDS_MAX));
    await this.#reader.read(this.#spans, timeoutMs);
    if (this.#spans.count > 0) words.worked();
    this.#noteRight();
    this.#fetched.clear();
    for (let row = 0; row < this.#spans.count; row += 1) {
      const partition = this.#spans.partition[row] ?? 0;
      // Taken away, or stopped, while the records were on their way.
      if (this.#lost.has(partition) || !this.has(partition)) continue;
      this.#fetched.keep(row);
    }
    return this.#fetched;
  }

  /** Whether the topic may be read is said where the client says what it may not do. */
  #noteRight(): void {
    const { topic, words } = this.#parts;
    const refusal = [...this.hindrances().values()].find(({ code }) => code === RIGHT_TO_READ);
    if (refusal !== undefined && performance.now() >= this.#refusedUntilMs) {
      words.note(new Error(refusal.detail), 'consume', `read ${topic}`);
      this.#refusedUntilMs = performance.now() + SAY_AGAIN_MS;
    } else if (refusal === undefined && this.#refusedUntilMs > 0) {
      words.worked();
      this.#refusedUntilMs = 0;
    }
  }

  async #nextFault(): Promise<ReadFault | null> {
    for (const [partition, fault] of this.#reader.faults()) {
      if (this.#told.has(partition) || this.#lost.has(partition)) continue;
      this.#told.add(partition);
      return await this.#faultOf(partition, fault);
    }
    return null;
  }

  async #faultOf(partition: number, fault: DirectFault): Promise<ReadFault> {
    const { topic } = this.#parts;
    const { position } = fault;
    switch (fault.kind) {
      case 'unreadable': {
        const { detail } = fault;
        const end = fault.end ?? (await this.#parts.witness.endOfUnreadable(partition, position));
        return new BatchUnreadable({ topic, partition, offset: position, end, detail });
      }
      case 'diverged': {
        const { at: divergesAt, lastEpoch: leaderEpoch } = fault;
        return new LogDiverged({ topic, partition, position, leaderEpoch, divergesAt });
      }
      case 'topic_gone':
        return new TopicGone(topic, partition);
      case 'out_of_range': {
        // The answer that refused the offset does not say what the log holds.
        const log = await this.#parts.watermarks(partition).catch(() => null);
        return log === null
          ? new TopicGone(topic, partition)
          : new OffsetOutOfRange({ topic, partition, position, ...log });
      }
      default:
        return fault satisfies never;
    }
  }

  /** Lets the client do what it does in its owner's time: answer the group, fail for good. */
  #attend(): void {
    this.#attending ??= this.#attendWhileFetching()
      .catch((error: unknown) => this.#onError(error))
      .finally(() => {
        this.#attending = null;
      });
  }

  async #attendWhileFetching(): Promise<void> {
    do await this.#parts.paced.consume(1, ATTEND_MS);
    while (this.isFetching);
  }

  async #onError(error: unknown): Promise<void> {
    const { words, topic, onThrownOut } = this.#parts;
    if (isFatal(error)) {
      this.#failure = await words.fatalOnceSaid(error);
      return;
    }
    if (codeOf(error) === CODE.maxPollExceeded) onThrownOut?.();
    words.note(error, 'consume', `read ${topic}`);
  }
}
