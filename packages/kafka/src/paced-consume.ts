import type { SourceRecord } from '@adtally/event-schema';
import { withOwnHeaders } from './own-headers.ts';
import type { NativeConsumer } from './rdkafka.ts';

const MAX_RECORDS = 100_000;
const MIN_RECORDS = 64;

/** What one call took out of the client. */
export interface Consumed {
  readonly records: SourceRecord[];
  /**
   * The partitions whose end was reached and nothing of them left, with the next offset: it lies behind the
   * last record, and also behind what the broker holds and never delivers.
   */
  readonly ends: ReadonlyMap<number, number>;
}

/**
 * The client's batch call, with its waiting time bounded.
 *
 * After the first record the client waits up to 1 ms for each further one, so at a trickle of a record a
 * millisecond a large count would take seconds: the count follows what the last call's pace gives in the time.
 */
export class PacedConsume {
  readonly #native: NativeConsumer;
  #recordsPerMs = Infinity;
  #ends = new Map<number, number>();
  #calls = 0;

  constructor(native: NativeConsumer) {
    this.#native = native;
    native.setDefaultIsTimeoutOnlyForFirstMessage(true);
    // Told while a call returns, before its callback.
    native.on('partition.eof', ({ partition, offset }) => this.#ends.set(partition, offset));
  }

  /** How many calls have ended: in each the client told what it had to tell of its group. */
  get calls(): number {
    return this.#calls;
  }

  /** Rejects with the client's own error. */
  consume(maxRecords: number, timeoutMs: number): Promise<Consumed> {
    const count = this.#count(maxRecords, timeoutMs);
    return new Promise((resolve, reject) => {
      const startedMs = performance.now();
      this.#native.setDefaultConsumeTimeout(timeoutMs);
      this.#native.consume(count, (error, records) => {
        const ends = this.#ends;
        this.#ends = new Map();
        this.#calls += 1;
        if (error) {
          reject(error);
          return;
        }
        const elapsedMs = Math.max(performance.now() - startedMs, 0.01);
        // Short of the count the queue ran empty, which tells nothing about the pace.
        this.#recordsPerMs = records.length < count ? Infinity : records.length / elapsedMs;
        withOwnHeaders(records as SourceRecord[]);
        resolve({ records: records as SourceRecord[], ends });
      });
    });
  }

  #count(maxRecords: number, timeoutMs: number): number {
    const paced = Math.max(Math.ceil(this.#recordsPerMs * timeoutMs), MIN_RECORDS);
    return Math.max(1, Math.min(maxRecords, paced, MAX_RECORDS));
  }
}
