import type { SourceRecord } from './record.ts';

/** A length of this value means that there are no such bytes at all: a null key, a tombstone. */
export const NO_BYTES = -1;
/** No producer and no broker gave the record a time. */
export const NO_TIMESTAMP = -1;
/** Of a record that came as an object: its key may be text, and its headers are objects already. */
const ELSEWHERE = -2;

/**
 * Records as columns of places in the bytes they were read in: no object a record, which the garbage collector
 * would have to move. Allocated once and reused.
 */
export class RecordPlaces {
  readonly capacity: number;
  readonly partition: Int32Array;
  readonly offset: Float64Array;
  /** Milliseconds since 1970; `NO_TIMESTAMP` where there is none. */
  readonly timestampMs: Float64Array;
  /** What the places of a record are in. */
  readonly bytes: (Buffer | undefined)[];
  readonly keyStart: Int32Array;
  /** Bytes, or `NO_BYTES`. */
  readonly keyLength: Int32Array;
  readonly valueStart: Int32Array;
  /** Bytes, or `NO_BYTES`. */
  readonly valueLength: Int32Array;
  /** Where the number of headers stands. */
  readonly headersStart: Int32Array;
  /** Where the record ends. */
  readonly end: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.partition = new Int32Array(capacity);
    this.offset = new Float64Array(capacity);
    this.timestampMs = new Float64Array(capacity);
    this.bytes = Array.from({ length: capacity });
    this.keyStart = new Int32Array(capacity);
    this.keyLength = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueLength = new Int32Array(capacity);
    this.headersStart = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }

  /** Puts another's record `from` at `row`. */
  copy(row: number, places: RecordPlaces, from: number): void {
    this.partition[row] = places.partition[from] as number;
    this.offset[row] = places.offset[from] as number;
    this.timestampMs[row] = places.timestampMs[from] as number;
    this.bytes[row] = places.bytes[from];
    this.keyStart[row] = places.keyStart[from] as number;
    this.keyLength[row] = places.keyLength[from] as number;
    this.valueStart[row] = places.valueStart[from] as number;
    this.valueLength[row] = places.valueLength[from] as number;
    this.headersStart[row] = places.headersStart[from] as number;
    this.end[row] = places.end[from] as number;
  }

  /** Puts a record that is an object at `row`: only its value has a place. */
  put(row: number, { partition, offset, timestamp, value }: SourceRecord): void {
    this.partition[row] = partition;
    this.offset[row] = offset;
    this.timestampMs[row] = timestamp ?? NO_TIMESTAMP;
    this.bytes[row] = value ?? undefined;
    this.keyLength[row] = ELSEWHERE;
    this.valueStart[row] = 0;
    this.valueLength[row] = value === null ? NO_BYTES : value.length;
  }

  /** False for a record that came as an object: then only that knows its key and headers. */
  isWhole(row: number): boolean {
    return this.keyLength[row] !== ELSEWHERE;
  }

  /** Whether a record that is whole has any headers. */
  hasHeaders(row: number): boolean {
    return this.#bytes(row)[this.headersStart[row] as number] !== 0;
  }

  key(row: number): Buffer | null {
    return this.#slice(row, this.keyStart[row] as number, this.keyLength[row] as number);
  }

  value(row: number): Buffer | null {
    return this.#slice(row, this.valueStart[row] as number, this.valueLength[row] as number);
  }

  /** Lets go of the bytes of the first `count` records. */
  release(count: number): void {
    this.bytes.fill(undefined, 0, count);
  }

  #bytes(row: number): Buffer {
    const bytes = this.bytes[row];
    if (bytes === undefined) throw new Error(`there is no record ${row}`);
    return bytes;
  }

  #slice(row: number, start: number, length: number): Buffer | null {
    return length === NO_BYTES ? null : this.#bytes(row).subarray(start, start + length);
  }
}
