import {
  NO_TIMESTAMP,
  RecordPlaces,
  RepeatedTexts,
  type RecordHeader,
  type SourceRecord,
} from '@adtally/event-schema';
import { ByteCursor, MalformedBytes } from './byte-cursor.ts';

/** Of headers: producers give all their records the same few. */
const NAMES = new RepeatedTexts();

/** Records as they are read out of batches, in the order of the log: `clear()` empties it for the next piece. */
export class RecordSpans extends RecordPlaces {
  count = 0;
  /** Counts as full with so many. */
  limit: number;

  constructor(capacity: number) {
    super(capacity);
    this.limit = capacity;
  }

  get isFull(): boolean {
    return this.count >= this.limit;
  }

  /** Empties it for at most `limit` records, which must not exceed the capacity; lets go of the bytes. */
  clear(limit = this.capacity): void {
    this.release(this.count);
    this.limit = limit;
    this.count = 0;
  }

  /** The record as an object, its bytes still those that were fetched. */
  record(row: number, topic: string): SourceRecord {
    return recordAt(this, row, topic);
  }
}

/** How many headers a record says it has. */
export function headerCount(places: RecordPlaces, row: number): number {
  return headersCursor(places, row).varint();
}

/** A record that is whole as an object, its bytes still those that it lies in. */
export function recordAt(places: RecordPlaces, row: number, topic: string): SourceRecord {
  const timestamp = places.timestampMs[row] ?? NO_TIMESTAMP;
  const headers = headersAt(places, row);
  return {
    topic,
    partition: places.partition[row] ?? 0,
    offset: places.offset[row] ?? 0,
    key: places.key(row),
    value: places.value(row),
    ...(headers.length === 0 ? {} : { headers }),
    ...(timestamp === NO_TIMESTAMP ? {} : { timestamp }),
  };
}

/** In the record's order; a name may repeat. Of a name that is no UTF-8 the wrong bytes read as U+FFFD. */
function headersAt(places: RecordPlaces, row: number): RecordHeader[] {
  const cursor = headersCursor(places, row);
  const headers: RecordHeader[] = [];
  for (let left = cursor.varint(); left > 0; left -= 1) headers.push(readHeader(cursor));
  return headers;
}

function headersCursor(places: RecordPlaces, row: number): ByteCursor {
  const bytes = places.bytes[row];
  if (bytes === undefined) throw new Error(`there is no record ${row}`);
  return new ByteCursor(bytes, places.headersStart[row] ?? 0, places.end[row] ?? 0);
}

function readHeader(cursor: ByteCursor): RecordHeader {
  const nameLength = cursor.varint();
  if (nameLength < 0) throw new MalformedBytes('a header without a name');
  const nameStart = cursor.skip(nameLength);
  const name = NAMES.text(cursor.bytes, nameStart, nameLength);
  const valueLength = cursor.varint();
  const valueStart = cursor.skip(Math.max(0, valueLength));
  // A value that is null is read as empty: the client cannot tell the two apart, and a record's hash must not
  // depend on who read it.
  const value = cursor.bytes.subarray(valueStart, valueStart + Math.max(0, valueLength));
  // Assigning takes a quarter of what a literal with a computed name does, but would make this one the prototype.
  if (name === '__proto__') return { [name]: value };
  const header: Record<string, Buffer> = {};
  header[name] = value;
  return header;
}
