import type { RecordHeader, SourceRecord } from '@adtally/event-schema';
import { ByteCursor, MalformedBytes } from './byte-cursor.ts';

/** A length of this value means that there is no such bytes at all: a null key, a tombstone. */
export const NO_BYTES = -1;
/** No producer and no broker gave the record a time. */
const NO_TIMESTAMP = -1;

/**
 * Records as columns of places in the bytes they were fetched in: no object a record. Allocated once and
 * reused: `clear()` empties it and lets go of the bytes.
 */
export class RecordSpans {
  readonly capacity: number;
  count = 0;
  /** Counts as full with so many. */
  limit: number;
  readonly partition: Int32Array;
  readonly offset: Float64Array;
  /** Milliseconds since 1970; -1 where there is none. */
  readonly timestampMs: Float64Array;
  /** Which of `buffers` a record's bytes lie in. */
  readonly buffer: Int32Array;
  readonly keyStart: Int32Array;
  /** Bytes; `NO_BYTES` = null. */
  readonly keyLength: Int32Array;
  readonly valueStart: Int32Array;
  /** Bytes; `NO_BYTES` = null. */
  readonly valueLength: Int32Array;
  /** Where the number of headers stands. */
  readonly headersStart: Int32Array;
  /** Where the record ends. */
  readonly end: Int32Array;
  readonly buffers: Buffer[] = [];

  constructor(capacity: number) {
    this.capacity = capacity;
    this.limit = capacity;
    this.partition = new Int32Array(capacity);
    this.offset = new Float64Array(capacity);
    this.timestampMs = new Float64Array(capacity);
    this.buffer = new Int32Array(capacity);
    this.keyStart = new Int32Array(capacity);
    this.keyLength = new Int32Array(capacity);
    this.valueStart = new Int32Array(capacity);
    this.valueLength = new Int32Array(capacity);
    this.headersStart = new Int32Array(capacity);
    this.end = new Int32Array(capacity);
  }

  get isFull(): boolean {
    return this.count >= this.limit;
  }

  /** Empties it for at most `limit` records, which must not exceed the capacity. */
  clear(limit = this.capacity): void {
    this.limit = limit;
    this.count = 0;
    this.buffers.length = 0;
  }

  /** The index of these bytes for the records that follow. */
  addBuffer(bytes: Buffer): number {
    const last = this.buffers.length - 1;
    if (this.buffers[last] === bytes) return last;
    return this.buffers.push(bytes) - 1;
  }

  key(row: number): Buffer | null {
    return this.#slice(row, this.keyStart[row] ?? 0, this.keyLength[row] ?? NO_BYTES);
  }

  value(row: number): Buffer | null {
    return this.#slice(row, this.valueStart[row] ?? 0, this.valueLength[row] ?? NO_BYTES);
  }

  /** In the record's order; a name may repeat. Of a name that is no UTF-8 the wrong bytes read as U+FFFD. */
  headers(row: number): RecordHeader[] {
    const cursor = new ByteCursor(
      this.#bytes(row),
      this.headersStart[row] ?? 0,
      this.end[row] ?? 0,
    );
    const headers: RecordHeader[] = [];
    for (let left = cursor.varint(); left > 0; left -= 1) headers.push(readHeader(cursor));
    return headers;
  }

  /** The record as an object, its bytes still those that were fetched. */
  record(row: number, topic: string): SourceRecord {
    const timestamp = this.timestampMs[row] ?? NO_TIMESTAMP;
    const headers = this.headers(row);
    return {
      topic,
      partition: this.partition[row] ?? 0,
      offset: this.offset[row] ?? 0,
      key: this.key(row),
      value: this.value(row),
      ...(headers.length === 0 ? {} : { headers }),
      ...(timestamp === NO_TIMESTAMP ? {} : { timestamp }),
    };
  }

  #bytes(row: number): Buffer {
    const bytes = this.buffers[this.buffer[row] ?? 0];
    if (bytes === undefined || row >= this.count) throw new Error(`there is no record ${row}`);
    return bytes;
  }

  #slice(row: number, start: number, length: number): Buffer | null {
    return length === NO_BYTES ? null : this.#bytes(row).subarray(start, start + length);
  }
}

function readHeader(cursor: ByteCursor): RecordHeader {
  const nameLength = cursor.varint();
  if (nameLength < 0) throw new MalformedBytes('a header without a name');
  const nameStart = cursor.skip(nameLength);
  const name = cursor.bytes.toString('utf8', nameStart, nameStart + nameLength);
  const valueLength = cursor.varint();
  const valueStart = cursor.skip(Math.max(0, valueLength));
  // A value that is null is read as empty: the client cannot tell the two apart, and a record's hash must not
  // depend on who read it.
  const value = cursor.bytes.subarray(valueStart, valueStart + Math.max(0, valueLength));
  // Not by a literal alone: a header may be called __proto__.
  return Object.defineProperty({}, name, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  }) as RecordHeader;
}
