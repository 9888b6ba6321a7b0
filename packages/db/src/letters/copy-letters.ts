import type { EventBatch } from '@adtally/event-schema';
import { BYTEA_OID, bytesArray, int4Array, int8Array, textsOf } from '../encode-arrays.ts';
import { encodeHeaders, keyBytes, recordHash } from '../record-hash.ts';
import type { WriterSession } from '../writer-session.ts';
import type { RecordHeader } from '@adtally/event-schema';

/** A record of the DLQ topic, as far as its headers are believed to say something. */
export interface CopiedLetter {
  /** Its row in the batch of DLQ records. */
  readonly row: number;
  /** The coordinate it claims; `null` where it claims none, or one that cannot be. */
  readonly claim: {
    readonly topic: string;
    readonly partition: number;
    readonly offset: number;
  } | null;
  /** The original's own headers. */
  readonly headers: readonly RecordHeader[];
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly fingerprint: string;
  readonly app: string;
  readonly appVersion: string;
}

// A claim counts where a reference confirms coordinate and hash. While the source's cursor has not passed
// the offset it may still come; once it has, the copy is nobody's.
const COPY = `
  WITH input AS (
    SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bytea[], $5::text[], $6::text[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::int[], $12::bigint[], $13::bigint[], $14::int[],
                         $15::bytea[], $16::bytea[], $17::bytea[])
      AS input (topic, partition, source_offset, record_sha256, code, field, message, fingerprint, app,
                app_version, dlq_source_id, dlq_offset, dlq_append_ms, lane, record_key, record_value, record_headers)
  ), place AS (
    SELECT i.dlq_offset, i.dlq_source_id, s.source_id, s.closed_at IS NOT NULL AS is_closed,
           c.next_offset > i.source_offset AS is_passed, r.code AS ref_code, r.append_ms
    FROM input i
    JOIN sources s ON s.kind = 'events' AND s.topic = i.topic AND s.partition = i.partition
    JOIN cursors c ON c.source_id = s.source_id
    LEFT JOIN dead_letter_refs r ON r.source_id = s.source_id AND r.source_offset = i.source_offset
                                AND r.record_sha256 = i.record_sha256
  ), best AS (
    SELECT DISTINCT ON (dlq_source_id, dlq_offset) *
    FROM place ORDER BY dlq_source_id, dlq_offset, ref_code IS NULL, is_closed, source_id DESC
  ), letter AS (
    SELECT i.*, b.source_id, b.append_ms, coalesce(b.ref_code, i.code) AS first_code,
           CASE WHEN b.ref_code IS NULL OR b.ref_code = i.code THEN i.message ELSE '' END AS own_message,
           CASE WHEN b.ref_code IS NOT NULL THEN 'pending'
                WHEN b.source_id IS NULL OR b.is_closed OR b.is_passed THEN 'orphan'
                ELSE 'unconfirmed' END AS state
    FROM input i LEFT JOIN best b USING (dlq_source_id, dlq_offset)
  ), kept AS (
    INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_field,
                              last_message, fingerprint, app, app_version, append_ms, dlq_source_id,
                              dlq_offset, dlq_append_ms, lane, next_attempt_at)
    SELECT source_id, source_offset, record_sha256, state, first_code, first_code, field, own_message,
           fingerprint, app, app_version, append_ms, dlq_source_id, dlq_offset, dlq_append_ms, lane,
           CASE WHEN state = 'pending' THEN clock_timestamp() END
    FROM letter ORDER BY dlq_source_id, dlq_offset
    ON CONFLICT (source_id, source_offset, record_sha256) DO NOTHING
    RETURNING letter_id, dlq_source_id, dlq_offset
  ), bytes AS (
    INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
    SELECT kept.letter_id, record_key, record_value, record_headers
    FROM kept JOIN letter USING (dlq_source_id, dlq_offset)
  )
  SELECT dlq_source_id, dlq_offset FROM kept`;

/**
 * Inside a commit of the DLQ topic's cursor: one letter for each record that is not a second copy of one.
 * Returns the rows that became letters, in whichever state; the others were copies.
 */
export async function copyLetters(
  session: WriterSession,
  batch: EventBatch,
  letters: readonly CopiedLetter[],
): Promise<Set<number>> {
  if (letters.length === 0) return new Set();
  const records = letters.map(({ row }) => batch.record(row));
  const texts = (of: (letter: CopiedLetter) => string) => textsOf(letters.map(of));
  const kept = await session.query<{ dlq_source_id: number; dlq_offset: string }>(
    COPY,
    [
      texts(({ claim }) => claim?.topic ?? ''),
      int4Array(letters.map(({ claim }) => claim?.partition ?? -1)),
      int8Array(letters.map(({ claim }) => claim?.offset ?? -1)),
      bytesArray(
        BYTEA_OID,
        letters.map(({ headers }, index) => {
          const { key, value } = records[index] as (typeof records)[number];
          return recordHash({ key, value, headers });
        }),
      ),
      texts(({ code }) => code),
      texts(({ field }) => field),
      texts(({ message }) => message),
      texts(({ fingerprint }) => fingerprint),
      texts(({ app }) => app),
      texts(({ appVersion }) => appVersion),
      int4Array(letters.map(({ row }) => batch.sourceId[row] as number)),
      int8Array(records.map(({ offset }) => offset)),
      int8Array(records.map(({ timestamp }) => timestamp ?? -1)),
      int4Array(records.map(({ partition }) => partition)),
      bytesArray(BYTEA_OID, records.map(keyBytes)),
      bytesArray(
        BYTEA_OID,
        records.map(({ value }) => value),
      ),
      bytesArray(
        BYTEA_OID,
        letters.map(({ headers }) => encodeHeaders(headers)),
      ),
    ],
    'copy-letters',
  );
  const rowOf = new Map(
    letters.map(({ row }, index) => [
      `${batch.sourceId[row]}/${(records[index] as (typeof records)[number]).offset}`,
      row,
    ]),
  );
  return new Set(
    kept.map(({ dlq_source_id, dlq_offset }) => rowOf.get(`${dlq_source_id}/${dlq_offset}`) ?? -1),
  );
}
