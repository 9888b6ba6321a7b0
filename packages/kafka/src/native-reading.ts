import type { Watermarks } from './listed-offsets.ts';
import type { ClientWords } from './client-words.ts';
import { codeOf, isFatal } from './errors.ts';
import { RecordObjects, type FetchedRecords } from './fetched-records.ts';
import { cachedEnd } from './log-offsets.ts';
import { LogWatch, type Alarm } from './log-watch.ts';
import type { LogWitness, ReadUpTo } from './log-witness.ts';
import type { NoticeBoard } from './notices.ts';
import type { PacedConsume } from './paced-consume.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';
import { Readers, type Start } from './readers.ts';
import type { Reading } from './reading.ts';
import type { Hindrance } from './record-source.ts';
import type { Throttling } from './throttling.ts';

/** Errors of one partition, which they do not name. */
const ALARMS: ReadonlyMap<number, Alarm> = new Map([
  [CODE.autoOffsetReset, 'position'],
  [CODE.badMessage, 'content'],
  [CODE.badCompression, 'content'],
  [CODE.notImplemented, 'content'],
  [CODE.underflow, 'content'],
  [CODE.messageTooLarge, 'content'],
]);

export interface NativeReadingParts {
  readonly native: NativeConsumer;
  readonly paced: PacedConsume;
  readonly witness: LogWitness;
  readonly words: ClientWords;
  readonly throttling: Throttling;
  readonly topic: string;
  readonly notices: NoticeBoard;
  /** The group gave the member's partitions away since it paused too long; called inside `fetch`. */
  readonly onThrownOut?: () => void;
  watermarks(partition: number): Promise<Watermarks>;
}

/**
 * Reads what the native client was assigned, and finds out what its errors mean: they name neither a
 * partition nor an offset. Assigning is the owner's affair.
 */
export class NativeReading implements Reading {
  readonly #readers = new Readers();
  readonly #parts: NativeReadingParts;
  readonly #watch: LogWatch;
  #fetching: Promise<unknown> | null = null;

  constructor(parts: NativeReadingParts) {
    this.#parts = parts;
    this.#watch = new LogWatch({
      topic: parts.topic,
      readers: this.#readers,
      notices: parts.notices,
      witness: parts.witness,
      isThrottled: () => parts.throttling.isOn,
      watermarks: parts.watermarks,
    });
  }

  get isFetching(): boolean {
    return this.#fetching !== null;
  }

  /** Resolves once no fetch is in flight. */
  async idle(): Promise<void> {
    await this.#fetching?.catch(() => undefined);
  }

  /** As `RecordSource.read`. */
  async read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    if (this.isFetching) throw new Error('fetch while another fetch is in flight');
    this.#parts.words.throwIfGivenUp();
    const waiting = this.#watch.take();
    if (waiting !== undefined) throw waiting;
    const fetching = this.#consume(maxRecords, timeoutMs);
    this.#fetching = fetching;
    try {
      return await fetching;
    } finally {
      this.#fetching = null;
    }
  }

  /** Looks in the background at partitions that delivered nothing for a while. */
  checkQuiet(): void {
    this.#watch.checkQuiet();
  }

  /** Nothing ends a call of the client: it waits for records for all of its time. */
  wake(): void {}

  /** The client connects to every broker, as it does for its group. */
  expect(): void {}

  start(partition: number, { offset, last }: Start): void {
    // The client asks the leader whether its log still holds that record; of an earlier one it must not ask.
    const epoch = last?.offset === offset ? { leaderEpoch: last.leaderEpoch } : {};
    const { native, topic } = this.#parts;
    native.incrementalAssign([{ topic, partition, offset, ...epoch }]);
    this.#readers.add(partition, offset, last);
  }

  stop(partitions: readonly number[], answer: boolean): void {
    const { native, topic } = this.#parts;
    const read: { topic: string; partition: number }[] = [];
    for (const partition of partitions) {
      // What was found out about it and not yet thrown concerns its reader before.
      this.#watch.forget(partition);
      if (this.#readers.remove(partition)) read.push({ topic, partition });
    }
    if (read.length > 0 || answer) native.incrementalUnassign(read);
  }

  lose(partitions: readonly number[]): void {
    this.#readers.lose(partitions);
  }

  partitions(): number[] {
    return this.#readers.partitions();
  }

  has(partition: number): boolean {
    return this.#readers.has(partition);
  }

  position(partition: number): number | undefined {
    return this.#readers.position(partition);
  }

  lastRead(partition: number): ReadUpTo | null {
    return this.#readers.lastRead(partition);
  }

  cachedEnd(partition: number): number | null {
    return cachedEnd(this.#parts.native, this.#parts.topic, partition);
  }

  /** The client asks by the topic's name. */
  readonly isTopicSure = false;

  /** What the client meets it says itself, and not of which partition: one that it does not get on with stalls. */
  hindrances(): ReadonlyMap<number, Hindrance> {
    return new Map();
  }

  async close(): Promise<void> {}

  async #consume(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    try {
      const { records, ends } = await this.#parts.paced.consume(maxRecords, timeoutMs);
      if (records.length > 0 || ends.size > 0) this.#parts.words.worked();
      const kept = this.#readers.keep(records);
      this.#readers.reachEnds(ends);
      return new RecordObjects(kept);
    } catch (error) {
      await this.#onError(error);
      return new RecordObjects([]);
    }
  }

  /** Throws what the caller must know. */
  async #onError(error: unknown): Promise<void> {
    const { words, topic, onThrownOut } = this.#parts;
    if (isFatal(error)) throw await words.fatalOnceSaid(error);
    const alarm = ALARMS.get(codeOf(error));
    if (alarm !== undefined) this.#watch.alarm(alarm);
    if (codeOf(error) === CODE.maxPollExceeded) onThrownOut?.();
    words.note(error, 'consume', `read ${topic}`);
  }
}
