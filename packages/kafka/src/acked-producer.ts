import { ClientWords } from './client-words.ts';
import { codeOf, KafkaError, type KafkaFatalError } from './errors.ts';
import { NoticeBoard, type OnNotice } from './notices.ts';
import { ProducerClient, type ProduceRecord } from './producer-client.ts';
import { type ProducerMode, producerConfig } from './producer-config.ts';
import { CODE } from './rdkafka.ts';
import type { KafkaSettings } from './settings.ts';
import { Throttling } from './throttling.ts';
import type { Trouble } from './trouble.ts';

/**
 * `acked`: all in-sync replicas have it. `refused`: the topic will never take this record, which is too large or
 * not valid there. `transient`: it may or may not have been written; try again.
 */
export type ProduceOutcome =
  | 'acked'
  | {
      readonly failed: 'refused' | 'transient';
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
/** Half of the client's own queue, so that several callers never meet its limit. */
const MAX_UNANSWERED_RECORDS = 100_000;
const CHUNKS_AHEAD = 4;
/** Pause before a client that gave up is replaced, since the next one may meet the same. */
const RENEW_AFTER_MS = 2_000;

/** Refusals of one record, which say nothing of the topic or of other records. */
const REFUSALS = new Set<number>([
  CODE.messageTooLarge,
  CODE.recordListTooLarge,
  CODE.invalidRecord,
]);

/**
 * An idempotent producer that tells the outcome of every record. Records of concurrent calls keep their
 * order: a call enqueues all its records before the next one does.
 *
 * A native client that gives up for good (no right to write at all, a sequence the broker does not follow) is
 * replaced. What waited in it is `transient`; sent again it may be there twice, as after a lost answer.
 */
export class AckedProducer {
  /** Whether a quota of the broker holds back what it sends. */
  readonly throttling = new Throttling();
  readonly #settings: KafkaSettings;
  readonly #options: ProducerOptions;
  readonly #notices: NoticeBoard;
  readonly #words: ClientWords;
  #client: ProducerClient | undefined;
  /** Why the client gave up, until the next one is there. */
  #gaveUp: KafkaFatalError | undefined;
  #unanswered = 0;
  #enqueued: Promise<void> = Promise.resolve();
  #room: (() => void)[] = [];
  #closed = false;

  private constructor(settings: KafkaSettings, options: ProducerOptions) {
    this.#settings = settings;
    this.#options = options;
    this.#notices = new NoticeBoard(options.onNotice);
    this.#words = new ClientWords(null, this.#notices);
  }

  /** Rejects with a `KafkaError` when no broker answers in 30 seconds. */
  static async connect(
    settings: KafkaSettings,
    options: ProducerOptions = {},
  ): Promise<AckedProducer> {
    const producer = new AckedProducer(settings, options);
    producer.#client = await producer.#connect();
    return producer;
  }

  /** What keeps the producer from its work now, in its own words; null where nothing is known to. */
  get trouble(): Trouble | null {
    return this.#words.trouble;
  }

  /**
   * Sends the records and returns an outcome for each, in order. Never rejects for a record.
   *
   * A broker refuses a batch whole for one record at fault. In `prompt` mode the others are sent again: without
   * those that are not valid, and one by one where one is too large.
   */
  async produceAll(records: readonly ProduceRecord[]): Promise<ProduceOutcome[]> {
    const outcomes = await this.#produce(records);
    if (this.#options.mode === 'bulk') return outcomes;
    const indexes = [...records.keys()];
    const isBlameless = (index: number): boolean => {
      const code = failureCode(outcomes[index]);
      if (code === CODE.otherRecordInvalid) return true;
      // Not valid is what has no key in a compacted topic. Of a single such record the client says it of all.
      return code === CODE.invalidRecord && (records[index]?.key ?? null) !== null;
    };
    await this.#again(records, outcomes, indexes.filter(isBlameless));
    for (const index of indexes) {
      const code = failureCode(outcomes[index]);
      if (code === CODE.messageTooLarge || code === CODE.recordListTooLarge)
        await this.#again(records, outcomes, [index]);
    }
    return outcomes;
  }

  async #again(
    records: readonly ProduceRecord[],
    outcomes: ProduceOutcome[],
    indexes: readonly number[],
  ): Promise<void> {
    const again = await this.#produce(indexes.map((index) => records[index] as ProduceRecord));
    for (const [nth, outcome] of again.entries()) outcomes[indexes[nth] as number] = outcome;
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
  async flush(timeoutMs: number): Promise<boolean> {
    const error = await this.#client?.flush(timeoutMs);
    if (error) this.#notices.post('produce', error);
    return !error;
  }

  /** Flushes and disconnects, in at most 15 seconds. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#client?.close();
  }

  async #enqueue(records: readonly ProduceRecord[], pending: Pending): Promise<void> {
    for (let index = 0; index < records.length;) {
      if (this.#unanswered >= MAX_UNANSWERED_RECORDS) await this.#untilRoom();
      const record = records[index];
      if (record === undefined) return;
      try {
        this.#send(record, pending, index);
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

  #send(record: ProduceRecord, pending: Pending, index: number): void {
    const client = this.#client;
    if (client === undefined || client.isFinished) {
      throw this.#renew();
    }
    client.send(record, (error) => {
      this.#unanswered--;
      // What is left in a client that was replaced is told by its end.
      if (client.isFinished && client === this.#client) this.#renew();
      this.#answer(pending, index, error === null ? 'acked' : this.#failure(error));
      if (this.#unanswered <= MAX_UNANSWERED_RECORDS / 2) this.#wake();
    });
    this.#unanswered++;
  }

  #answer(pending: Pending, index: number, outcome: ProduceOutcome): void {
    pending.outcomes[index] = outcome;
    if (--pending.unanswered === 0) pending.done();
  }

  #failure(error: unknown): ProduceOutcome {
    const code = codeOf(error);
    if (REFUSALS.has(code)) {
      return { failed: 'refused', code, message: this.#words.explain(error, 'produce').message };
    }
    // A client that gave up says "fatal error" or "purged" of each record, and why in its log alone.
    const why = this.#gaveUp ?? (this.#words.hasGivenUp ? this.#words.fatal(error) : error);
    if (why === error) this.#words.note(error, 'produce');
    return { failed: 'transient', code, message: this.#words.explain(why, 'produce').message };
  }

  #connect(): Promise<ProducerClient> {
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#options;
    const config = producerConfig(this.#settings, this.#options);
    return ProducerClient.connect(
      this.#settings,
      config,
      this.#words,
      this.throttling,
      connectTimeoutMs,
    );
  }

  /** Replaces a client that gave up, in the background; meanwhile every record is `transient`. */
  #renew(): KafkaFatalError {
    if (this.#gaveUp !== undefined) return this.#gaveUp;
    const reason = this.#words.fatal(new KafkaError('fatal error', CODE.fatal));
    this.#gaveUp = reason;
    this.#replace()
      .catch((error: unknown) => this.#notices.post('produce', error))
      .finally(() => (this.#gaveUp = undefined));
    return reason;
  }

  async #replace(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, RENEW_AFTER_MS));
    if (this.#closed) return;
    const finished = this.#client;
    const fresh = await this.#connect();
    if (this.#closed) await fresh.close();
    else this.#client = fresh;
    this.#gaveUp = undefined;
    await finished?.close();
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

function failureCode(outcome: ProduceOutcome | undefined): number | undefined {
  return typeof outcome === 'object' ? outcome.code : undefined;
}
