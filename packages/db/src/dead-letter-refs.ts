import { claimedFacts, rejectionFingerprint, type EventBatch } from '@adtally/event-schema';
import { BYTEA_OID, bytesArray, int4Array, int8Array, textsOf } from './encode-arrays.ts';
import { recordArrays } from './encode-records.ts';
import { appendMsOf, recordHash } from './record-hash.ts';
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
    `INSERT INTO dead_letter_refs (source_id, source_offset, code, record_sha256, append_ms)
     SELECT * FROM unnest($1::int[], $2::bigint[], $3::text[], $4::bytea[], $5::bigint[])`,
    [
      int4Array(rows.map((row) => batch.sourceId[row] as number)),
      int8Array(rows.map((row) => batch.places.offset[row] as number)),
      codesOf(batch, rows),
      hashesOf(batch, rows),
      appendTimesOf(batch, rows),
    ],
    'refer-to-dead-letters',
  );
}

/** Inside a batch's commit: keeps the records of rejected rows that the DLQ topic cannot hold. */
export async function keepDeadLetters(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
  refusals: ReadonlyMap<number, string>,
): Promise<void> {
  if (rows.length === 0) return;
  const { sourceIds, offsets, keys, values, headers } = recordArrays(batch, rows);
  const claimed = rows.map((row) => claimedFacts(batch.record(row)));
  await session.query(
    `WITH input AS (
       SELECT * FROM unnest($1::int[], $2::bigint[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[],
                            $8::bigint[], $9::bytea[], $10::bytea[], $11::bytea[], $12::text[], $13::text[], $14::text[])
         AS input (source_id, source_offset, record_sha256, code, field, message, fingerprint, append_ms,
                   record_key, record_value, record_headers, claimed_source, claimed_campaign, claimed_version)
     ), letter AS (
       INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_field,
                                 last_message, fingerprint, append_ms, lane, claimed_source, claimed_campaign,
                                 claimed_version, next_attempt_at)
       SELECT source_id, source_offset, record_sha256, 'pending', code, code, field, message, fingerprint,
              append_ms, ${KEPT_LANE}, claimed_source, claimed_campaign, claimed_version, clock_timestamp()
       FROM input
       -- A copy that came by the DLQ topic, before a crash or by another's hand: it has the same bytes.
       ON CONFLICT (source_id, source_offset, record_sha256) DO NOTHING
       RETURNING letter_id, source_id, source_offset
     )
     INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
     SELECT letter_id, record_key, record_value, record_headers
     FROM letter JOIN input USING (source_id, source_offset)`,
    [
      sourceIds,
      offsets,
      hashesOf(batch, rows),
      codesOf(batch, rows),
      textsOf(rows.map((row) => batch.rejections.get(row)?.field ?? '')),
      textsOf(rows.map((row) => messageOf(batch, row, refusals.get(row)))),
      textsOf(rows.map((row) => fingerprintOf(batch, row))),
      appendTimesOf(batch, rows),
      keys,
      values,
      headers,
      textsOf(claimed.map(({ source }) => source)),
      textsOf(claimed.map(({ campaign }) => campaign)),
      textsOf(claimed.map(({ version }) => version)),
    ],
    'keep-dead-letters',
  );
}

/** Records that never lay in a DLQ partition are retried by the owner of this one. */
const KEPT_LANE = 0;

function messageOf(batch: EventBatch, row: number, refusal = 'refused'): string {
  return `${batch.rejections.get(row)?.message ?? ''} (kept here, the dead-letter topic: ${refusal})`;
}

function fingerprintOf(batch: EventBatch, row: number): string {
  const rejection = batch.rejections.get(row);
  return rejection === undefined ? '' : rejectionFingerprint(rejection);
}

function hashesOf(batch: EventBatch, rows: readonly number[]): Buffer {
  return bytesArray(
    BYTEA_OID,
    rows.map((row) => recordHash(batch.record(row))),
  );
}

/** -1 where the broker gave no append time, as the client reports it. */
function appendTimesOf(batch: EventBatch, rows: readonly number[]): Buffer {
  return int8Array(rows.map((row) => appendMsOf(batch.record(row))));
}

function codesOf(batch: EventBatch, rows: readonly number[]): Buffer {
  return textsOf(rows.map((row) => batch.rejections.get(row)?.code ?? ''));
}
