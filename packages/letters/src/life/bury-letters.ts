import type { WriterSession } from '@adtally/db';
import type { HeldLane } from './lease-letters.ts';

/** A letter that has no try left: it goes to the dead topic. */
export interface ExhaustedLetter {
  readonly letterId: string;
  readonly series: number;
  readonly attempts: number;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly fingerprint: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As `encodeHeaders` writes them. */
  readonly headers: Buffer;
}

/** Records held in memory at once; a letter of more is sent alone. */
const BYTES_MAX = 32 * 1_024 * 1_024;

interface ExhaustedRow extends Record<string, unknown> {
  readonly letter_id: string;
  readonly series: number;
  readonly attempts: number;
  readonly topic: string;
  readonly topic_id: string;
  readonly partition: number;
  readonly source_offset: string;
  readonly last_code: string;
  readonly last_field: string;
  readonly last_message: string;
  readonly fingerprint: string;
  readonly record_key: Buffer | null;
  readonly record_value: Buffer | null;
  readonly record_headers: Buffer;
}

/** Letters of these lanes that wait for the dead topic's ack, oldest first. */
export async function exhaustedLetters(
  session: WriterSession,
  eventsTopic: string,
  lanes: readonly HeldLane[],
  limit: number,
): Promise<ExhaustedLetter[]> {
  const rows = await session.query<ExhaustedRow>(
    `SELECT next.letter_id, next.series, next.attempts, s.topic, s.topic_id, s.partition, next.source_offset,
            next.last_code, next.last_field, next.last_message, next.fingerprint,
            next.record_key, next.record_value, next.record_headers
     FROM (
       SELECT e.*, b.*, sum(octet_length(b.record_headers) + coalesce(octet_length(b.record_value), 0))
                          OVER (ORDER BY e.letter_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
       FROM unnest($1::int[]) AS held (lane)
       CROSS JOIN LATERAL (
         SELECT d.*
         -- Behind OFFSET 0 as in lease-letters.ts: read in the order of its index, and as far as the limit goes.
         FROM (SELECT letter_id, source_id, series, attempts, source_offset,
                      last_code, last_field, last_message, fingerprint
               FROM dead_letters WHERE is_exhausted AND lane = held.lane ORDER BY letter_id OFFSET 0) AS d
         WHERE d.source_id = ANY (ARRAY (SELECT source_id FROM sources WHERE topic = $2::text))
           AND EXISTS (SELECT FROM dead_letter_records r WHERE r.letter_id = d.letter_id)
         LIMIT $3::int
       ) AS e
       CROSS JOIN LATERAL (
         SELECT record_key, record_value, record_headers FROM dead_letter_records
         WHERE letter_id = e.letter_id OFFSET 0
       ) AS b
       ORDER BY e.letter_id LIMIT $3::int
     ) AS next
     JOIN sources s USING (source_id)
     WHERE coalesce(next.bytes_before, 0) < ${BYTES_MAX}
     ORDER BY next.letter_id`,
    [lanes.map(({ lane }) => lane), eventsTopic, limit],
    'exhausted-letters',
  );
  return rows.map((row) => ({
    letterId: row.letter_id,
    series: row.series,
    attempts: row.attempts,
    topic: row.topic,
    topicId: row.topic_id,
    partition: row.partition,
    offset: Number(row.source_offset),
    code: row.last_code,
    field: row.last_field,
    message: row.last_message,
    fingerprint: row.fingerprint,
    key: row.record_key,
    value: row.record_value,
    headers: row.record_headers,
  }));
}

/** Ends letters that the dead topic has acknowledged. */
export async function markDead(
  session: WriterSession,
  letters: readonly { readonly letterId: string; readonly series: number }[],
): Promise<void> {
  if (letters.length === 0) return;
  await session.query(
    `WITH buried AS (
       UPDATE dead_letters l SET state = 'dead', is_exhausted = false, settled_at = clock_timestamp()
       FROM unnest($1::bigint[], $2::int[]) AS acked (letter_id, series)
       -- By its key, not by the partial index (lease-letters.ts).
       WHERE l.letter_id = acked.letter_id AND l.series = acked.series AND coalesce(l.is_exhausted, false)
       RETURNING l.letter_id, l.series, l.job_id
     )
     UPDATE redrive_receipts r SET outcome = 'dead', changed_at = clock_timestamp()
     FROM buried b WHERE r.job_id = b.job_id AND r.letter_id = b.letter_id AND r.series = b.series
       AND (r.outcome IS NULL OR r.outcome = 'failed')`,
    [letters.map(({ letterId }) => letterId), letters.map(({ series }) => series)],
    'mark-dead',
  );
}
