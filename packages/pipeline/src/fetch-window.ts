import type { SourceRecord } from '@adtally/event-schema';

/** Records a fetch asks for: small enough that decoding starts while the rest is on its way. */
const RECORDS_MAX = 250;
/** Of a first fetch, which nothing is known about. */
const RECORDS_FIRST = 16;
/** Bytes a fetch may bring: the client is asked for records, and does not say how large they are. */
const BYTES_MAX = 16 * 1_024 * 1_024;
/** What a header costs in memory beside its bytes: an object and a buffer. */
const HEADER_OVERHEAD_BYTES = 256;

/** What a record holds in memory: key, value, and names and values of headers. */
export function heldBytes({ key, value, headers }: SourceRecord): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  if (headers === undefined) return bytes;
  for (const header of headers) {
    bytes += HEADER_OVERHEAD_BYTES;
    for (const name in header) bytes += name.length + (header[name]?.length ?? 0);
  }
  return bytes;
}

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
