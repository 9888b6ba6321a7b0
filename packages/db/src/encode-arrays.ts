import type { BatchColumn, EventBatch } from '@adtally/event-schema';
import { EVENT_TYPE_LABELS } from './table-columns.ts';

// Format: src/backend/utils/adt/arrayfuncs.c, array_recv. One dimension, lower bound 1.
const HEADER_BYTES = 20;
/** Type OIDs are fixed for built-in types (pg_type.dat). */
const OID = { int4: 23, int8: 20, text: 25, uuid: 2950, timestamptz: 1184 } as const;

/** Encodes one array of `count` elements, each written by `writeElement` (returns the next position). */
function encodeArray(
  oid: number,
  count: number,
  bytesMax: number,
  writeElement: (buffer: Buffer, at: number, index: number) => number,
): Buffer {
  const buffer = Buffer.allocUnsafe(HEADER_BYTES + bytesMax);
  let at = buffer.writeInt32BE(1, 0); // dimensions
  at = buffer.writeInt32BE(1, at); // may hold nulls
  at = buffer.writeInt32BE(oid, at);
  at = buffer.writeInt32BE(count, at);
  at = buffer.writeInt32BE(1, at); // lower bound
  for (let index = 0; index < count; index++) at = writeElement(buffer, at, index);
  return buffer.subarray(0, at);
}

/** Values of a word of 32 bits. */
const WORD = 2 ** 32;

/** A binary `bigint[]`. @throws RangeError where one is no safe integer */
export function int8Array(values: readonly number[] | Float64Array): Buffer {
  return encodeArray(OID.int8, values.length, values.length * 12, (buffer, start, index) => {
    const value = values[index] as number;
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no safe integer`);
    const high = Math.floor(value / WORD);
    const at = buffer.writeInt32BE(high, buffer.writeInt32BE(8, start));
    return buffer.writeUInt32BE(value - high * WORD, at);
  });
}

/** A binary `int[]`. */
export function int4Array(values: readonly number[] | Int32Array): Buffer {
  return encodeArray(OID.int4, values.length, values.length * 8, (buffer, start, index) =>
    buffer.writeInt32BE(values[index] as number, buffer.writeInt32BE(4, start)),
  );
}

/** A binary `bytea[]`-like array of byte strings of the given element type; null stays null. */
export function bytesArray(oid: number, values: readonly (Buffer | null)[]): Buffer {
  const bytes = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), 0);
  return encodeArray(oid, values.length, bytes, (buffer, start, index) => {
    const value = values[index] as Buffer | null;
    if (value === null) return buffer.writeInt32BE(-1, start);
    const at = buffer.writeInt32BE(value.length, start);
    if (value.length > 0) value.copy(buffer, at);
    return at + value.length;
  });
}

export const BYTEA_OID = 17;
export const UUID_OID = OID.uuid;

/** A binary `text[]`. */
export function textsOf(values: readonly string[]): Buffer {
  let last = '';
  let bytes = Buffer.alloc(0);
  return bytesArray(
    OID.text,
    values.map((value) => {
      // Most are what the one before was: a topic, a code, an app.
      if (value !== last) [last, bytes] = [value, Buffer.from(value)];
      return bytes;
    }),
  );
}

/**
 * The rows as binary array parameters, one a column, in WRITTEN_COLUMNS order, for
 * `unnest($1::bigint[], $2::int[], ...)`. The event type travels as text and is cast in the statement.
 */
export function rowArrays(batch: EventBatch, rows: Int32Array): Buffer[] {
  const offsets = new Float64Array(rows.length);
  const sourceIds = new Int32Array(rows.length);
  for (const [index, row] of rows.entries()) {
    offsets[index] = batch.places.offset[row] as number;
    sourceIds[index] = batch.sourceId[row] as number;
  }
  const labels = Array.from(
    rows,
    (row) => EVENT_TYPE_LABELS[batch.eventType[row] as number] ?? null,
  );
  return [
    int8Array(offsets),
    int4Array(sourceIds),
    bytesArray(OID.text, labels),
    uuidArray(batch.eventKey, rows, null),
    ...batch.columns.map((column) => columnArray(batch, column, rows)),
  ];
}

/** The two identity columns alone: `impression_id`, `event_key`. */
export function identityArrays(batch: EventBatch, rows: Int32Array): [Buffer, Buffer] {
  const impression = batch.column('impression_id');
  return [uuidArray(impression.bytes, rows, null), uuidArray(batch.eventKey, rows, null)];
}

function columnArray(batch: EventBatch, column: BatchColumn, rows: Int32Array): Buffer {
  switch (column.kind) {
    case 'uuid':
      return uuidArray(column.bytes, rows, column.present);
    case 'text':
      return textArray(batch, column, rows);
    case 'time':
      return wordsArray(OID.timestamptz, column, rows);
    case 'micros':
      return wordsArray(OID.int8, column, rows);
    default:
      return column.kind satisfies never;
  }
}

function uuidArray(bytes: Buffer, rows: Int32Array, present: Uint8Array | null): Buffer {
  return encodeArray(OID.uuid, rows.length, rows.length * 20, (buffer, start, index) => {
    const row = rows[index] as number;
    if (present !== null && present[row] === 0) return buffer.writeInt32BE(-1, start);
    const at = buffer.writeInt32BE(16, start);
    bytes.copy(buffer, at, row * 16, row * 16 + 16);
    return at + 16;
  });
}

function wordsArray(oid: number, column: BatchColumn, rows: Int32Array): Buffer {
  return encodeArray(oid, rows.length, rows.length * 12, (buffer, start, index) => {
    const row = rows[index] as number;
    if (column.present[row] === 0) return buffer.writeInt32BE(-1, start);
    let at = buffer.writeInt32BE(8, start);
    at = buffer.writeInt32BE(column.words[row * 2 + 1] as number, at);
    return buffer.writeInt32BE(column.words[row * 2] as number, at);
  });
}

function textArray(batch: EventBatch, column: BatchColumn, rows: Int32Array): Buffer {
  let bytes = 0;
  for (const row of rows)
    bytes += 4 + (column.present[row] === 1 ? (column.length[row] as number) : 0);
  return encodeArray(OID.text, rows.length, bytes, (buffer, start, index) => {
    const row = rows[index] as number;
    if (column.present[row] === 0) return buffer.writeInt32BE(-1, start);
    const from = column.start[row] as number;
    const length = column.length[row] as number;
    const at = buffer.writeInt32BE(length, start);
    batch.arena.copy(buffer, at, from, from + length);
    return at + length;
  });
}
