import {
  NO_TIMESTAMP,
  type EventBatch,
  type RecordPlaces,
  type SourceRecord,
} from '@adtally/event-schema';
import { headerCount, recordAt } from './record-batch/record-spans.ts';

/** What a header costs in memory beside its bytes: an object and a buffer. */
const HEADER_OVERHEAD_BYTES = 256;

/** What one fetch brought. Valid until the next one: whoever keeps a record appends it to a batch or makes an object. */
export interface FetchedRecords {
  readonly count: number;
  partition(index: number): number;
  offset(index: number): number;
  /** Milliseconds since 1970; -1 where nobody gave it a time. */
  timestampMs(index: number): number;
  /** What the record holds in memory: key, value, and names and values of headers. */
  heldBytes(index: number): number;
  /** Appends the record to a batch that is not full. */
  appendTo(batch: EventBatch, index: number, sourceId: number): void;
  record(index: number): SourceRecord;
}

/** Records that the client made objects of. */
export class RecordObjects implements FetchedRecords {
  readonly #records: readonly SourceRecord[];

  constructor(records: readonly SourceRecord[]) {
    this.#records = records;
  }

  get count(): number {
    return this.#records.length;
  }

  partition(index: number): number {
    return this.record(index).partition;
  }

  offset(index: number): number {
    return this.record(index).offset;
  }

  timestampMs(index: number): number {
    return this.record(index).timestamp ?? NO_TIMESTAMP;
  }

  heldBytes(index: number): number {
    const { key, value, headers } = this.record(index);
    let bytes = (key?.length ?? 0) + (value?.length ?? 0);
    if (headers === undefined) return bytes;
    for (const header of headers) {
      bytes += HEADER_OVERHEAD_BYTES;
      for (const name in header) bytes += name.length + (header[name]?.length ?? 0);
    }
    return bytes;
  }

  appendTo(batch: EventBatch, index: number, sourceId: number): void {
    batch.append(this.record(index), sourceId);
  }

  record(index: number): SourceRecord {
    return this.#records[index] as SourceRecord;
  }
}

/** Records of one topic that lie where they were fetched. */
export class PlacedRecords implements FetchedRecords {
  readonly #places: RecordPlaces;
  /** Which of the places, by index. */
  readonly #kept: Int32Array;
  readonly #make: (places: RecordPlaces, row: number) => SourceRecord;
  count = 0;

  constructor(places: RecordPlaces, topic: string) {
    this.#places = places;
    this.#kept = new Int32Array(places.capacity);
    this.#make = (from, row) => recordAt(from, row, topic);
  }

  /** Forgets what was kept of the fetch before. */
  clear(): void {
    this.count = 0;
  }

  /** One more of the places belongs to what was fetched. */
  keep(row: number): void {
    this.#kept[this.count] = row;
    this.count += 1;
  }

  partition(index: number): number {
    return this.#places.partition[this.#row(index)] as number;
  }

  offset(index: number): number {
    return this.#places.offset[this.#row(index)] as number;
  }

  timestampMs(index: number): number {
    return this.#places.timestampMs[this.#row(index)] as number;
  }

  heldBytes(index: number): number {
    const places = this.#places;
    const row = this.#row(index);
    const keyBytes = Math.max(0, places.keyLength[row] as number);
    const valueBytes = Math.max(0, places.valueLength[row] as number);
    if (!places.hasHeaders(row)) return keyBytes + valueBytes;
    const headerBytes = (places.end[row] as number) - (places.headersStart[row] as number);
    return keyBytes + valueBytes + headerBytes + headerCount(places, row) * HEADER_OVERHEAD_BYTES;
  }

  appendTo(batch: EventBatch, index: number, sourceId: number): void {
    batch.appendPlaced(this.#places, this.#row(index), sourceId, this.#make);
  }

  record(index: number): SourceRecord {
    return this.#make(this.#places, this.#row(index));
  }

  #row(index: number): number {
    return this.#kept[index] as number;
  }
}

/** An object of each record, for who reads few. */
export function recordsOf(fetched: FetchedRecords): SourceRecord[] {
  return Array.from({ length: fetched.count }, (_, index) => fetched.record(index));
}
