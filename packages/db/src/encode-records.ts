import type { EventBatch } from '@adtally/event-schema';
import { BYTEA_OID, bytesArray, int4Array, int8Array } from './encode-arrays.ts';
import { encodeHeaders, keyBytes } from './record-hash.ts';

/** The records of some rows as binary array parameters: coordinates and original bytes. */
export interface RecordArrays {
  /** `int[]` */
  readonly sourceIds: Buffer;
  /** `bigint[]` */
  readonly offsets: Buffer;
  /** `bytea[]`, each */
  readonly keys: Buffer;
  readonly values: Buffer;
  readonly headers: Buffer;
}

/** Encodes the records of these rows, for a side table that keeps their bytes. */
export function recordArrays(batch: EventBatch, rows: readonly number[]): RecordArrays {
  const records = rows.map((row) => batch.record(row));
  const bytes = (of: (record: (typeof records)[number]) => Buffer | null): Buffer =>
    bytesArray(BYTEA_OID, records.map(of));
  return {
    sourceIds: int4Array(rows.map((row) => batch.sourceId[row] as number)),
    offsets: int8Array(records.map(({ offset }) => offset)),
    keys: bytes(keyBytes),
    values: bytes(({ value }) => value),
    headers: bytes(({ headers }) => encodeHeaders(headers)),
  };
}
