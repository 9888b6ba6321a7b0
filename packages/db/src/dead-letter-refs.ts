import type { EventBatch } from '@adtally/event-schema';
import { BYTEA_OID, bytesArray, int4Array, int8Array, TEXT_OID } from './encode-arrays.ts';
import { recordArrays } from './encode-records.ts';
import { recordHash } from './record-hash.ts';
import type { WriterSession } from './writer-session.ts';

/**
 * Inside a batch's commit: one reference a rejected row (coordinate, code, SHA-256 of the record). A copy
 * on the DLQ topic counts as a letter only where it matches one.
 */
export async function referToDeadLetters(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<void> {
  if (rows.length === 0) return;
  await session.query(
    `INSERT INTO dead_letter_refs (source_id, source_offset, code, record_sha256)
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::bytea[])`,
    [
      int4Array(rows.map((row) => batch.sourceId[row] as number)),
      int8Array(rows.map((row) => batch.record(row).offset)),
      codesOf(batch, rows),
      bytesArray(
        BYTEA_OID,
        rows.map((row) => recordHash(batch.record(row))),
      ),
    ],
    'refer-to-dead-letters',
  );
}

/** Inside a batch's commit: keeps the records of rejected rows that the DLQ topic cannot hold. */
export async function keepDeadLetters(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<void> {
  if (rows.length === 0) return;
  const { sourceIds, offsets, keys, values, headers } = recordArrays(batch, rows);
  await session.query(
    `INSERT INTO dead_letters (source_id, source_offset, code, message, record_key, record_value, record_headers, append_time)
     SELECT source_id, source_offset, code, message, record_key, record_value, record_headers,
            to_timestamp(append_ms / 1000.0)
     FROM unnest($1::int[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bigint[])
       AS letter (source_id, source_offset, code, message, record_key, record_value, record_headers, append_ms)`,
    [
      sourceIds,
      offsets,
      codesOf(batch, rows),
      textsOf(rows.map((row) => batch.rejections.get(row)?.message ?? '')),
      keys,
      values,
      headers,
      int8Array(rows.map((row) => batch.record(row).timestamp ?? 0)),
    ],
    'keep-dead-letters',
  );
}

function codesOf(batch: EventBatch, rows: readonly number[]): Buffer {
  return textsOf(rows.map((row) => batch.rejections.get(row)?.code ?? ''));
}

function textsOf(values: readonly string[]): Buffer {
  return bytesArray(
    TEXT_OID,
    values.map((value) => Buffer.from(value)),
  );
}
