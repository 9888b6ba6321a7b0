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
    `WITH next AS (
       SELECT l.letter_id, sum(octet_length(b.record_headers) + coalesce(octet_length(b.record_value), 0))
                             OVER (ORDER BY l.letter_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes_before
       FROM dead_letters l
       JOIN sources s ON s.source_id = l.source_id AND s.topic = $2::text
       JOIN dead_letter_records b USING (letter_id)
       WHERE l.is_exhausted AND l.lane = ANY ($1::int[])
       ORDER BY l.letter_id LIMIT $3::int
     )
     SELECT l.letter_id, l.series, l.attempts, s.topic, s.topic_id, s.partition, l.source_offset,
            l.last_code, l.last_field, l.last_message, l.fingerprint, b.record_key, b.record_value, b.record_headers
     FROM next
     JOIN dead_letters l USING (letter_id)
     JOIN sources s ON s.source_id = l.source_id
     JOIN dead_letter_records b USING (letter_id)
     WHERE coalesce(next.bytes_before, 0) < ${BYTES_MAX}
     ORDER BY l.letter_id`,
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
       WHERE l.letter_id = acked.letter_id AND l.series = acked.series AND l.is_exhausted
       RETURNING l.letter_id, l.series, l.job_id
     )
     UPDATE redrive_receipts r SET outcome = 'dead', changed_at = clock_timestamp()
     FROM buried b WHERE r.job_id = b.job_id AND r.letter_id = b.letter_id AND r.series = b.series
       AND (r.outcome IS NULL OR r.outcome = 'failed')`,
    [letters.map(({ letterId }) => letterId), letters.map(({ series }) => series)],
    'mark-dead',
  );
}
