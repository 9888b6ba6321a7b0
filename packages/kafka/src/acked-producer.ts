import type { RecordHeader } from '@adtally/event-schema';
import { ClientWords } from './client-words.ts';
import { codeOf, isFatal, KafkaFatalError } from './errors.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { type ProducerMode, producerConfig } from './producer-config.ts';
import { CODE, newProducer } from './rdkafka.ts';
import { renewCredentials } from './renew-credentials.ts';
import type { KafkaSettings } from './settings.ts';
import type { Trouble } from './trouble.ts';

export interface ProduceRecord {
  readonly topic: string;
  /** Absent or null: placed by the key (murmur2, as the Java client does), at random without one. */
  readonly partition?: number | null | undefined;
  readonly key: Buffer | string | null | undefined;
  readonly value: Buffer | null;
  /** A header value that is null, undefined or empty is sent empty. */
  readonly headers?: readonly RecordHeader[] | undefined;
}

/**
 * `acked`: all in-sync replicas have it. `too_large`: it will never be accepted. `transient`: it may or may
 * not have been written; try again. `fatal`: this producer is finished.
 */
export type ProduceOutcome =
  | 'acked'
  | {
      readonly failed: 'too_large' | 'transient' | 'fatal';
      readonly code: number;
      readonly message: string;
    };

export interface ProducerOptions {
  /** `prompt` (default) sends within 5 ms; `bulk` gathers large batches for throughput. */
  readonly mode?: ProducerMode | undefined;
  readonly lingerMs?: number | undefined;
  readonly compression?: 'none' | 'lz4' | 'zstd' | undefined;
  /** Largest record, key, value and headers together. */
  readonly maxRecordBytes?: number | undefined;
  /** How long the client itself retries a record before it reports `transient`. */
  readonly deliveryTimeoutMs?: number | undefined;
  /** How long `connect` waits for a first broker, in ms. */
  readonly connectTimeoutMs?: number | undefined;
  readonly onNotice?: OnNotice | undefined;
}

/** One call of `produceAll` that waits for its delivery reports. */
interface Pending {
  readonly outcomes: ProduceOutcome[];
  unanswered: number;
  done(): void;
}

const CONNECT_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 15_000;
/** Half of the client's own queue, so that several callers never meet its limit. */
const MAX_UNANSWERED_RECORDS = 100_000;
const CHUNKS_AHEAD = 4;

/**
 * An idempotent producer that tells the outcome of every record. Records of concurrent calls keep their
 * order: a call enqueues all its records before the next one does.
 */
export class AckedProducer {
  readonly #native: ReturnType<typeof newProducer>;
  readonly #notices: NoticeBoard;
  readonly #words: ClientWords;
  readonly #mode: ProducerMode;
  #unanswered = 0;
  #enqueued: Promise<void> = Promise.resolve();
  #room: (() => void)[] = [];
  #fatal: KafkaFatalError | undefined;
  #closed = false;

  private constructor(settings: KafkaSettings, options: ProducerOptions) {
    this.#notices = new NoticeBoard(options.onNotice);
    this.#mode = options.mode ?? 'prompt';
    this.#native = newProducer(producerConfig(settings, options));
    this.#words = new ClientWords(this.#native, this.#notices);
    renewCredentials(this.#native, settings);
    this.#native.on('delivery-report', (error, report) => {
      const { pending, index } = report.opaque as { pending: Pending; index: number };
      this.#unanswered--;
      if (!error) this.#words.worked();
      this.#answer(pending, index, error ? this.#failure(error) : 'acked');
      if (this.#unanswered <= MAX_UNANSWERED_RECORDS / 2) this.#wake();
    });
  }

  /** Rejects with a `KafkaError` when no broker answers in 30 seconds. */
  static async connect(
    settings: KafkaSettings,
    options: ProducerOptions = {},
  ): Promise<AckedProducer> {
    const producer = new AckedProducer(settings, options);
    await new Promise<void>((resolve, reject) => {
      producer.#native.connect(
        { timeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS },
        (error) => (error ? reject(producer.#words.explain(error, 'connect')) : resolve()),
      );
    });
    producer.#words.worked();
    // Before the connection exists this call crashes the client.
    producer.#native.setPollInBackground(true);
    return producer;
  }

  /** What keeps the producer from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#words.trouble;
  }

  /**
   * Sends the records and returns an outcome for each, in order. Never rejects for a record.
   *
   * A broker refuses a batch whole where its topic allows less than the client's batch size; in `prompt` mode
   * such records are sent again one by one, so that only the record at fault is `too_large`.
   */
  async produceAll(records: readonly ProduceRecord[]): Promise<ProduceOutcome[]> {
    const outcomes = await this.#produce(records);
    if (this.#mode === 'bulk') return outcomes;
    for (const [index, record] of records.entries()) {
      if (!isTooLarge(outcomes[index])) continue;
      const [again] = await this.#produce([record]);
      if (again !== undefined) outcomes[index] = again;
    }
    return outcomes;
  }

  async #produce(records: readonly ProduceRecord[]): Promise<ProduceOutcome[]> {
    if (this.#closed) throw new Error('produceAll on a closed producer');
    if (records.length === 0) return [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const pending: Pending = {
      outcomes: Array.from(records, () => 'acked'),
      unanswered: records.length,
      done: resolve,
    };
    const turn = this.#enqueued;
    this.#enqueued = turn.then(() => this.#enqueue(records, pending));
    await promise;
    return pending.outcomes;
  }

  /**
   * Sends chunk after chunk, a few of them at once, and yields each with its outcomes in the order given.
   * The source is read only as fast as the broker takes the records.
   */
  async *produceStream<R extends ProduceRecord>(
    chunks: Iterable<readonly R[]> | AsyncIterable<readonly R[]>,
  ): AsyncGenerator<{ records: readonly R[]; outcomes: ProduceOutcome[] }> {
    const ahead: { records: readonly R[]; sent: Promise<ProduceOutcome[]> }[] = [];
    for await (const records of chunks) {
      ahead.push({ records, sent: this.produceAll(records) });
      if (ahead.length < CHUNKS_AHEAD) continue;
      const first = ahead.shift();
      if (first !== undefined) yield { records: first.records, outcomes: await first.sent };
    }
    for (const { records, sent } of ahead) yield { records, outcomes: await sent };
  }

  /** Sends what waits for its batch to fill and waits for all outcomes; false when that took too long. */
  flush(timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      this.#native.flush(timeoutMs, (error: unknown) => {
        if (error) this.#notices.post('produce', error);
        resolve(!error);
      });
    });
  }

  /** Flushes and disconnects, in at most 15 seconds. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#native.disconnect(CLOSE_TIMEOUT_MS / 2, () => {
        clearTimeout(deadline);
        resolve();
      });
    });
  }

  async #enqueue(records: readonly ProduceRecord[], pending: Pending): Promise<void> {
    for (let index = 0; index < records.length;) {
      if (this.#unanswered >= MAX_UNANSWERED_RECORDS) await this.#untilRoom();
      const record = records[index];
      if (record === undefined) return;
      try {
        this.#send(record, { pending, index });
        this.#unanswered++;
      } catch (error) {
        // The client's byte limit was met before our record limit: wait for reports, then the same again.
        if (codeOf(error) === CODE.queueFull && this.#unanswered > 0) {
          await this.#untilRoom();
          continue;
        }
        this.#answer(pending, index, this.#failure(error));
      }
      index++;
    }
  }

  #send(record: ProduceRecord, opaque: { pending: Pending; index: number }): void {
    if (this.#fatal !== undefined) throw this.#fatal;
    this.#native.produce(
      record.topic,
      record.partition ?? null,
      record.value,
      record.key,
      null,
      opaque,
      record.headers === undefined ? [] : record.headers.map(sendable),
    );
  }

  #answer(pending: Pending, index: number, outcome: ProduceOutcome): void {
    pending.outcomes[index] = outcome;
    if (--pending.unanswered === 0) pending.done();
  }

  #failure(error: unknown): ProduceOutcome {
    const code = codeOf(error);
    if (error instanceof KafkaFatalError || isFatal(error)) {
      this.#fatal ??= this.#words.fatal(error);
      return { failed: 'fatal', code, message: this.#fatal.message };
    }
    const { message } = this.#words.explain(error, 'produce');
    const tooLarge = code === CODE.messageTooLarge || code === CODE.recordListTooLarge;
    if (!tooLarge) this.#words.note(error, 'produce');
    return { failed: tooLarge ? 'too_large' : 'transient', code, message };
  }

  #untilRoom(): Promise<void> {
    return new Promise((resolve) => this.#room.push(resolve));
  }

  #wake(): void {
    if (this.#room.length === 0) return;
    const waiting = this.#room;
    this.#room = [];
    for (const resolve of waiting) resolve();
  }
}

function isTooLarge(outcome: ProduceOutcome | undefined): boolean {
  return typeof outcome === 'object' && outcome.failed === 'too_large';
}

function sendable(header: RecordHeader): Record<string, Buffer | string> {
  const [name = '', value] = Object.entries(header)[0] ?? [];
  // The client sends an empty Buffer as null and an empty string as empty, and reads both as an empty
  // Buffer (findings/kafka-javascript-null-and-empty-headers.sh): empty is the one that keeps its length.
  return { [name]: value === undefined || value.length === 0 ? '' : value };
}
