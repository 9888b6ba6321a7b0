import { ClientWords } from './client-words.ts';
import { consumerConfig, type RecordReader } from './consumer-config.ts';
import { type AskLog, LogQuestions } from './log-questions.ts';
import { disconnect } from './membership.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { PacedConsume } from './paced-consume.ts';
import { newConsumer, type NativeConsumer } from './rdkafka.ts';
import { readingOf } from './reading-of.ts';
import type { Reading } from './reading.ts';
import { ReadingSource } from './reading-source.ts';
import type { ReadFrom } from './record-source.ts';
import { renewCredentials } from './renew-credentials.ts';
import type { KafkaSettings } from './settings.ts';
import { Throttling } from './throttling.ts';
import type { Trouble } from './trouble.ts';
import type { FetchedRecords } from './fetched-records.ts';

export interface TopicReaderOptions {
  readonly topic: string;
  /** As `GroupConsumerOptions` has them. */
  readonly reader?: RecordReader | undefined;
  readonly bufferBytes?: number | undefined;
  /** How long `connect` waits for a first broker, in ms. */
  readonly connectTimeoutMs?: number | undefined;
  /** Asks for the log of a partition; without it the client that reads does, which may take ten seconds. */
  readonly askLog?: AskLog | undefined;
  readonly onNotice?: OnNotice | undefined;
}

const CONNECT_TIMEOUT_MS = 30_000;
/** The client wants a name; nothing joins this group and nothing is committed to it. */
const UNUSED_GROUP = 'adtally-reader';

/**
 * Reads partitions of one topic at offsets the caller names, without a consumer group: for a reader that is
 * alone by other means than the group's. Whoever calls says which partitions there are and when they change.
 *
 * `fetch` returns records of started partitions only, each partition in offset order from its start offset,
 * none twice. One fetch at a time; `start` and `stop` between fetches.
 */
export class TopicReader extends ReadingSource {
  readonly #native: NativeConsumer;
  readonly #notices: NoticeBoard;
  readonly #words: ClientWords;
  readonly #questions: LogQuestions;
  readonly #reading: Reading;
  #closed: Promise<void> | undefined;

  private constructor(settings: KafkaSettings, options: TopicReaderOptions) {
    super();
    this.#notices = new NoticeBoard(options.onNotice);
    this.#native = newConsumer(
      consumerConfig(settings, {
        groupId: UNUSED_GROUP,
        topic: options.topic,
        bufferBytes: options.bufferBytes,
        protocol: 'cooperative-sticky',
      }),
    );
    this.#words = new ClientWords(this.#native, this.#notices);
    const { topic, askLog } = options;
    this.#questions = new LogQuestions(this.#native, this.#words, settings, topic, askLog);
    this.#reading = readingOf(settings, options, {
      native: this.#native,
      paced: new PacedConsume(this.#native),
      witness: this.#questions.witness,
      words: this.#words,
      throttling: new Throttling().listenTo(this.#native),
      topic,
      notices: this.#notices,
      watermarks: this.#questions.watermarks,
    });
    renewCredentials(this.#native, settings);
  }

  /** Connects and reads nothing yet. Rejects with a `KafkaError` when no broker answers in 30 seconds. */
  static async connect(settings: KafkaSettings, options: TopicReaderOptions): Promise<TopicReader> {
    const reader = new TopicReader(settings, options);
    await new Promise<void>((resolve, reject) => {
      reader.#native.connect({ timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS }, (error) =>
        error ? reject(reader.#words.explain(error, 'connect')) : resolve(),
      );
    });
    reader.#words.worked();
    return reader;
  }

  protected get reading(): Reading {
    return this.#reading;
  }

  protected get questions(): LogQuestions {
    return this.#questions;
  }

  /** What keeps the client from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#words.trouble;
  }

  /** Reads a partition from `offset` on. Throws when it is already read. */
  start(partition: number, offset: number, from: ReadFrom = {}): void {
    this.#requireIdle('start');
    if (this.#reading.has(partition)) throw new Error(`partition ${partition} is already read`);
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Error(`start at offset ${offset}`);
    this.#reading.start(partition, { offset, ...from });
  }

  /** Ends reading a partition; harmless when it is not read. */
  stop(partition: number): void {
    this.#requireIdle('stop');
    this.#reading.stop([partition], false);
  }

  isReading(partition: number): boolean {
    return this.#reading.has(partition);
  }

  /** As `RecordSource.read`. */
  async read(maxRecords: number, timeoutMs: number): Promise<FetchedRecords> {
    if (this.#closed !== undefined) throw new Error('fetch on a closed reader');
    try {
      return await this.#reading.read(maxRecords, timeoutMs);
    } finally {
      if (this.#closed === undefined) this.#reading.checkQuiet();
    }
  }

  /** Disconnects, in at most 15 seconds. Idempotent. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#reading.idle();
    await this.#reading.close();
    await disconnect(this.#native, this.#notices);
  }

  #requireIdle(doing: string): void {
    if (this.#reading.isFetching) throw new Error(`${doing} while a fetch is in flight`);
  }
}
