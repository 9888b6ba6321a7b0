import type { RecordHeader } from '@adtally/event-schema';
import type { ClientWords } from './client-words.ts';
import { isFatal, KafkaError } from './errors.ts';
import { CODE, type NativeConfig, newProducer } from './rdkafka.ts';
import { renewCredentials } from './renew-credentials.ts';
import type { KafkaSettings } from './settings.ts';
import type { Throttling } from './throttling.ts';

export interface ProduceRecord {
  readonly topic: string;
  /** Absent or null: placed by the key (murmur2, as the Java client does), at random without one. */
  readonly partition?: number | null | undefined;
  readonly key: Buffer | string | null | undefined;
  readonly value: Buffer | null;
  /** A header value that is null, undefined or empty is sent empty. */
  readonly headers?: readonly RecordHeader[] | undefined;
}

/** Gets the outcome of one record: null where the broker has it. */
type OnReport = (error: unknown) => void;

const CLOSE_TIMEOUT_MS = 15_000;

/** One native producer from its connection to its end. It may end by itself, for good: then another is needed. */
export class ProducerClient {
  readonly #native: ReturnType<typeof newProducer>;
  readonly #words: ClientWords;
  readonly #unanswered = new Set<OnReport>();
  #finished = false;

  private constructor(
    settings: KafkaSettings,
    config: NativeConfig,
    words: ClientWords,
    throttling: Throttling,
  ) {
    this.#words = words;
    this.#native = newProducer(config);
    words.listenTo(this.#native);
    throttling.listenTo(this.#native);
    renewCredentials(this.#native, settings);
    this.#native.on('delivery-report', (error, { opaque }) => this.#report(opaque, error));
  }

  /** Rejects with a `KafkaError` when no broker answers in that time. */
  static async connect(
    settings: KafkaSettings,
    config: NativeConfig,
    words: ClientWords,
    throttling: Throttling,
    timeout: number,
  ): Promise<ProducerClient> {
    const client = new ProducerClient(settings, config, words, throttling);
    await new Promise<void>((resolve, reject) => {
      client.#native.connect({ timeout }, (error) =>
        error ? reject(words.explain(error, 'connect')) : resolve(),
      );
    });
    words.reached();
    // Before the connection exists this call crashes the client.
    client.#native.setPollInBackground(true);
    return client;
  }

  /** The client gave up: it takes nothing and delivers nothing more. */
  get isFinished(): boolean {
    return this.#finished;
  }

  /** Enqueues a record. Throws the client's own error where it does not take it; no report follows then. */
  send(record: ProduceRecord, onReport: OnReport): void {
    try {
      this.#native.produce(
        record.topic,
        record.partition ?? null,
        record.value,
        record.key,
        null,
        onReport,
        record.headers === undefined ? [] : record.headers.map(sendable),
      );
    } catch (error) {
      this.#look(error);
      throw error;
    }
    this.#unanswered.add(onReport);
  }

  /** Resolves to the client's error, or to null once everything is answered. */
  flush(timeoutMs: number): Promise<unknown> {
    return new Promise((resolve) => this.#native.flush(timeoutMs, resolve));
  }

  /** Flushes and disconnects, in at most 15 seconds; every record has its report then. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.#native.disconnect(CLOSE_TIMEOUT_MS / 2, () => {
        clearTimeout(deadline);
        resolve();
      });
    });
    const closed = new KafkaError('the producer was closed', CODE.purgedInFlight);
    for (const onReport of this.#unanswered) this.#report(onReport, closed);
  }

  #report(onReport: OnReport, error: unknown): void {
    if (!this.#unanswered.delete(onReport)) return;
    if (error) this.#look(error);
    else this.#words.worked();
    onReport(error ?? null);
  }

  #look(error: unknown): void {
    // What waited in a client that gives up is purged before the client says so.
    if (isFatal(error) || this.#words.hasGivenUp) this.#finished = true;
  }
}

function sendable(header: RecordHeader): Record<string, Buffer | string> {
  const [name = '', value] = Object.entries(header)[0] ?? [];
  // The client sends an empty Buffer as null and an empty string as empty, and reads both as an empty
  // Buffer (findings/kafka-javascript-null-and-empty-headers.sh): empty is the one that keeps its length.
  return { [name]: value === undefined || value.length === 0 ? '' : value };
}
