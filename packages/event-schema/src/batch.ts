import { Buffer } from 'node:buffer';
import { endianness } from 'node:os';
import {
  EVENT_TYPES,
  PAYLOAD_COLUMNS,
  type ColumnKind,
  type EventType,
  type PayloadColumn,
} from './fields.ts';
import type { SourceRecord } from './record.ts';
import { RecordPlaces } from './record-places.ts';
import type { Rejection } from './rejection.ts';
import { RowSample } from './row-sample.ts';

/** What becomes of a row; every row of a batch ends in exactly one. */
export const VERDICT = {
  /** Not classified yet. */
  undecided: 0,
  /** A valid event, to be written. */
  event: 1,
  /** A named rejection, to be dead-lettered. */
  rejected: 2,
  /** Its partition is no longer ours: nothing is written for it. */
  dropped: 3,
  /** A record of the DLQ topic, to be kept as a letter. */
  letter: 4,
} as const;

/** What Redis says of a valid row, and by that how it travels to PostgreSQL; it never decides anything else. */
export const ROUTE = {
  /** Its key may be stored already. */
  verified: 0,
  /** Its key is new. */
  fast: 1,
  /** It was not worth a question; of its copies in the batch the first. Whoever writes it guesses. */
  unasked: 2,
} as const;

// Int64 columns are written as two 32-bit words, low word first.
if (endianness() !== 'LE') throw new Error('adtally needs a little-endian machine');

/** One payload column: a typed array per kind, indexed by row. */
export interface BatchColumn {
  readonly name: string;
  readonly kind: ColumnKind;
  readonly nullable: boolean;
  /** 1 where the row has a value. */
  readonly present: Uint8Array;
  /** `uuid`: 16 bytes a row. Empty for other kinds. */
  readonly bytes: Buffer;
  /** `time` (microseconds since 2000-01-01 UTC, as PostgreSQL stores it) and `micros`. */
  readonly int64: BigInt64Array;
  /** The same memory as `int64`: low word at 2*row, high word at 2*row+1. */
  readonly words: Int32Array;
  /** `text`: where the value's UTF-8 bytes start in the batch's arena. */
  readonly start: Int32Array;
  /** `text`: the value's length in bytes. */
  readonly length: Int32Array;
}

/** Makes the object of a record that was read in place. */
export type MakeRecord = (places: RecordPlaces, row: number) => SourceRecord;

/** So many of a batch are looked at for who sent them. */
const MISROUTED_ROWS_MAX = 32;
const ARENA_BYTES_PER_ROW = 96; // five short identifiers; grows by doubling where rows are larger

/**
 * A columnar batch (struct of arrays): the one thing that flows from decoding to the writers.
 * Decode fills the payload columns, key derivation `eventKey`, dedup `route`. Allocated once and
 * reused: `clear()` empties it. Memory is bounded by `capacity` rows and the records it refers to.
 */
export class EventBatch {
  readonly capacity: number;
  /** Rows in use. */
  count = 0;
  /** Where the record of each row lies, and its coordinate; `record` makes an object of it. */
  readonly places: RecordPlaces;
  readonly verdict: Uint8Array;
  readonly route: Uint8Array;
  /** Row in `sources` this row's coordinate belongs to. */
  readonly sourceId: Int32Array;
  /** Index into EVENT_TYPES. */
  readonly eventType: Uint8Array;
  /** 16 bytes a row. */
  readonly eventKey: Buffer;
  /** In the order of the payload columns it was made with: PAYLOAD_COLUMNS unless told otherwise. */
  readonly columns: readonly BatchColumn[];
  /** UTF-8 bytes of all text values. */
  arena: Buffer;
  arenaUsed = 0;
  /** By row, for rejected rows only. */
  readonly rejections = new Map<number, Rejection>();
  /** By row: why the DLQ topic will never take the record of a rejected row. The database keeps it. */
  readonly unsendable = new Map<number, string>();
  /** Fields ignored because the contract does not know them. */
  unknownFields = 0;
  /** Records whose key is not their impression id, or that lie in another partition than murmur2 gives: some of them. */
  readonly misroutedRows = new RowSample(MISROUTED_ROWS_MAX);
  /** Records whose timestamp is no clock (`isClock`): nobody can tell whether their ids are of the future. */
  clockless = 0;
  /** By row: those that came as objects, and those that one was made of. */
  readonly #records: (SourceRecord | undefined)[];
  #make: MakeRecord | null = null;

  constructor(capacity: number, columns: readonly PayloadColumn[] = PAYLOAD_COLUMNS) {
    this.capacity = capacity;
    this.#records = Array.from({ length: capacity });
    this.places = new RecordPlaces(capacity);
    this.verdict = new Uint8Array(capacity);
    this.route = new Uint8Array(capacity);
    this.sourceId = new Int32Array(capacity);
    this.eventType = new Uint8Array(capacity);
    this.eventKey = Buffer.alloc(capacity * 16);
    this.arena = Buffer.alloc(capacity * ARENA_BYTES_PER_ROW);
    this.columns = columns.map((column) => {
      const int64 = new BigInt64Array(
        column.kind === 'time' || column.kind === 'micros' ? capacity : 0,
      );
      const textRows = column.kind === 'text' ? capacity : 0;
      return {
        ...column,
        present: new Uint8Array(capacity),
        bytes: Buffer.alloc(column.kind === 'uuid' ? capacity * 16 : 0),
        int64,
        words: new Int32Array(int64.buffer),
        start: new Int32Array(textRows),
        length: new Int32Array(textRows),
      };
    });
  }

  /** Appends a record as an undecided row and returns the row. The caller checks `isFull` first. */
  append(record: SourceRecord, sourceId: number): number {
    const row = this.#appendRow(sourceId);
    this.#records[row] = record;
    this.places.put(row, record);
    return row;
  }

  /** Appends a record that is read in place; `make` makes the object of it, should anybody ask. */
  appendPlaced(places: RecordPlaces, from: number, sourceId: number, make: MakeRecord): number {
    const row = this.#appendRow(sourceId);
    this.#make = make;
    this.places.copy(row, places, from);
    return row;
  }

  /** The row's record is another one from now on. */
  replace(row: number, record: SourceRecord): void {
    this.#records[row] = record;
    this.places.put(row, record);
  }

  #appendRow(sourceId: number): number {
    const row = this.count;
    if (row === this.capacity) throw new Error('batch is full');
    this.count = row + 1;
    this.sourceId[row] = sourceId;
    this.verdict[row] = VERDICT.undecided;
    this.route[row] = ROUTE.verified;
    for (const column of this.columns) column.present[row] = 0;
    return row;
  }

  get isFull(): boolean {
    return this.count === this.capacity;
  }

  /** The record a row came from, bytes and headers included: for the few rows that need the whole of it. */
  record(row: number): SourceRecord {
    const record = this.recordOnce(row);
    this.#records[row] = record;
    return record;
  }

  /** The same, not kept for the next who asks: of all rows together the objects would be more than their bytes. */
  recordOnce(row: number): SourceRecord {
    const known = this.#records[row];
    if (known !== undefined) return known;
    if (row >= this.count || this.#make === null) throw new Error(`batch has no row ${row}`);
    return this.#make(this.places, row);
  }

  /** The column of that name; throws where there is none (a programmer's error). */
  column(name: string): BatchColumn {
    const column = this.columns.find((candidate) => candidate.name === name);
    if (column === undefined) throw new Error(`batch has no column ${name}`);
    return column;
  }

  typeOf(row: number): EventType {
    return EVENT_TYPES[this.eventType[row] ?? -1] as EventType;
  }

  /** Marks a row as rejected; it will be dead-lettered under that name. */
  reject(row: number, rejection: Rejection): void {
    this.verdict[row] = VERDICT.rejected;
    this.rejections.set(row, rejection);
  }

  /** Makes room for `bytes` more bytes of text and returns where they start. */
  reserve(bytes: number): number {
    const start = this.arenaUsed;
    const needed = start + bytes;
    if (needed > this.arena.length) {
      const larger = Buffer.alloc(Math.max(needed, this.arena.length * 2));
      this.arena.copy(larger, 0, 0, start);
      this.arena = larger;
    }
    this.arenaUsed = needed;
    return start;
  }

  /** How many records are misrouted. */
  get misrouted(): number {
    return this.misroutedRows.seen;
  }

  /** Forgets all rows and lets go of their records. */
  clear(): void {
    this.#records.fill(undefined, 0, this.count);
    this.places.release(this.count);
    this.count = 0;
    this.arenaUsed = 0;
    this.rejections.clear();
    this.unsendable.clear();
    this.unknownFields = 0;
    this.misroutedRows.clear();
    this.clockless = 0;
  }
}
