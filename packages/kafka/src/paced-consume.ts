import type { SourceRecord } from '@adtally/event-schema';
import { withOwnHeaders } from './own-headers.ts';
import type { NativeConsumer } from './rdkafka.ts';

const MAX_RECORDS = 100_000;
const MIN_RECORDS = 64;

/**
 * The client's batch call, with its waiting time bounded.
 *
 * After the first record the client waits up to 1 ms for each further one, so at a trickle of a record a
 * millisecond a large count would take seconds: the count follows what the last call's pace gives in the time.
 */
export class PacedConsume {
  readonly #native: NativeConsumer;
  #recordsPerMs = Infinity;

  constructor(native: NativeConsumer) {
    this.#native = native;
    native.setDefaultIsTimeoutOnlyForFirstMessage(true);
  }

  /** Rejects with the client's own error. */
  consume(maxRecords: number, timeoutMs: number): Promise<SourceRecord[]> {
    const count = this.#count(maxRecords, timeoutMs);
    return new Promise((resolve, reject) => {
      const startedMs = performance.now();
      this.#native.setDefaultConsumeTimeout(timeoutMs);
      this.#native.consume(count, (error, records) => {
        if (error) {
          reject(error);
          return;
        }
        const elapsedMs = Math.max(performance.now() - startedMs, 0.01);
        // Short of the count the queue ran empty, which tells nothing about the pace.
        this.#recordsPerMs = records.length < count ? Infinity : records.length / elapsedMs;
        withOwnHeaders(records as SourceRecord[]);
        resolve(records as SourceRecord[]);
      });
    });
  }

  #count(maxRecords: number, timeoutMs: number): number {
    const paced = Math.max(Math.ceil(this.#recordsPerMs * timeoutMs), MIN_RECORDS);
    return Math.max(1, Math.min(maxRecords, paced, MAX_RECORDS));
  }
}
