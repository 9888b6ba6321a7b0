import type { SourceRecord } from '@adtally/event-schema';
import type { Watermarks } from './listed-offsets.ts';
import type { ClientWords } from './client-words.ts';
import { codeOf, isFatal } from './errors.ts';
import { leaderAddress } from './leader-address.ts';
import { queryWatermarks } from './log-offsets.ts';
import { LogWatch, type Alarm } from './log-watch.ts';
import { LogWitness, type ReadUpTo } from './log-witness.ts';
import type { NoticeBoard } from './notices.ts';
import { PacedConsume } from './paced-consume.ts';
import { CODE, type NativeConsumer } from './rdkafka.ts';
import type { KafkaSettings } from './settings.ts';
import { Readers } from './readers.ts';
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
  readonly settings: KafkaSettings;
  readonly words: ClientWords;
  readonly throttling: Throttling;
  readonly topic: string;
  /** As `GroupConsumerOptions.askLog`. */
  readonly askLog?: ((partition: number) => Promise<Watermarks>) | undefined;
  readonly notices: NoticeBoard;
  /** The group gave the member's partitions away since it paused too long; called inside `fetch`. */
  readonly onThrownOut?: () => void;
}

/**
 * Reads what the native client was assigned, and finds out what its errors mean: they name neither a
 * partition nor an offset. Assigning is the owner's affair.
 */
export class NativeReading {
  readonly readers = new Readers();
  readonly paced: PacedConsume;
  readonly #parts: NativeReadingParts;
  readonly #watch: LogWatch;
  readonly #witness: LogWitness;
  #fetching: Promise<unknown> | null = null;

  constructor(parts: NativeReadingParts) {
    this.#parts = parts;
    this.paced = new PacedConsume(parts.native);
    this.#witness = new LogWitness(parts.settings, parts.topic, (partition) =>
      leaderAddress(parts.native, parts.topic, partition),
    );
    this.#watch = new LogWatch({
      topic: parts.topic,
      readers: this.readers,
      notices: parts.notices,
      witness: this.#witness,
      isThrottled: () => parts.throttling.isOn,
      watermarks: (partition) => this.watermarks(partition),
    });
  }

  get isFetching(): boolean {
    return this.#fetching !== null;
  }

  /** Resolves once no fetch is in flight. */
  async idle(): Promise<void> {
    await this.#fetching?.catch(() => undefined);
  }

  /** As `RecordSource.fetch`. */
  async fetch(maxRecords: number, timeoutMs: number): Promise<SourceRecord[]> {
    if (this.isFetching) throw new Error('fetch while another fetch is in flight');
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

  /** What was found out about a partition and not yet thrown concerns its reader before. */
  forget(partition: number): void {
    this.#watch.forget(partition);
  }

  /** As `RecordSource.departures`. */
  departures(read: ReadonlyMap<number, ReadUpTo>): Promise<Map<number, number>> {
    return this.#witness.departures(read);
  }

  watermarks(partition: number): Promise<Watermarks> {
    const { native, words, topic, askLog } = this.#parts;
    return askLog?.(partition) ?? queryWatermarks(native, words, topic, partition);
  }

  async #consume(maxRecords: number, timeoutMs: number): Promise<SourceRecord[]> {
    try {
      const { records, ends } = await this.paced.consume(maxRecords, timeoutMs);
      if (records.length > 0 || ends.size > 0) this.#parts.words.worked();
      const kept = this.readers.keep(records);
      this.readers.reachEnds(ends);
      return kept;
    } catch (error) {
      this.#onError(error);
      return [];
    }
  }

  /** Throws what the caller must know. */
  #onError(error: unknown): void {
    const { words, topic, onThrownOut } = this.#parts;
    if (isFatal(error)) throw words.fatal(error);
    const alarm = ALARMS.get(codeOf(error));
    if (alarm !== undefined) this.#watch.alarm(alarm);
    if (codeOf(error) === CODE.maxPollExceeded) onThrownOut?.();
    words.note(error, 'consume', `read ${topic}`);
  }
}
