/** Records a fetch asks for: small enough that decoding starts while the rest is on its way. */
const RECORDS_MAX = 250;
/** Of a first fetch, which nothing is known about. */
const RECORDS_FIRST = 16;
/** Bytes a fetch may bring: the client is asked for records, and does not say how large they are. */
const BYTES_MAX = 16 * 1_024 * 1_024;
/**
 * How many records a fetch may ask for, so that it stays within its bytes: as many as would fit if all were
 * as large as the largest of the last fetch, and never more than twice as many as then.
 */
export class FetchWindow {
  #records = RECORDS_FIRST;

  /** At most `wanted`, at least one. */
  limit(wanted: number): number {
    return Math.min(wanted, this.#records);
  }

  /** Learns from a fetch; `largestBytes` is of its largest record. */
  learn(largestBytes: number): void {
    const fitting = Math.floor(BYTES_MAX / Math.max(largestBytes, 1));
    this.#records = Math.max(1, Math.min(this.#records * 2, fitting, RECORDS_MAX));
  }
}
