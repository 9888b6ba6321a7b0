import {
  encodeHeaders,
  keyBytes,
  recordHash,
  type Database,
  type DeadLetterState,
} from '@adtally/db';
import { claimedFacts, rejectionFingerprint } from '@adtally/event-schema';
import type { Message } from '@adtally/pipeline/testing';
import { sql } from 'kysely';

export interface LetterToKeep extends Partial<Message> {
  readonly value: Buffer | null;
  readonly state?: DeadLetterState;
  readonly code?: string;
  readonly field?: string;
  readonly message?: string;
  readonly hasBytes?: boolean;
}

/** Writes letters as a reprocessor leaves them that has given them up, or still tries them; their ids in order. */
export async function keepLetters(
  db: Database,
  letters: readonly LetterToKeep[],
): Promise<string[]> {
  const ids: string[] = [];
  await sql`
    INSERT INTO sources (kind, topic, topic_id, partition) SELECT 'events', 'events', 'events', 0
    WHERE NOT EXISTS (SELECT FROM sources)`.execute(db);
  for (const letter of letters) {
    const { value, headers = [], state = 'dead', code = 'wrong_type', field = '' } = letter;
    const claimed = claimedFacts({ value, headers });
    const key = letter.key === undefined ? Buffer.from('k') : keyBytes({ key: letter.key });
    const message = letter.message ?? 'not of that type';
    const fingerprint = rejectionFingerprint({ code, field, message });
    const isPending = state === 'pending';
    const { rows } = await sql<{ letter_id: string }>`
      WITH letter AS (
        INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, last_message,
                                  last_field, claimed_source, claimed_campaign, claimed_version, fingerprint, append_ms, lane, attempts, attempts_max, next_attempt_at)
        SELECT s.source_id, (SELECT count(*) FROM dead_letters), ${recordHash({ key, value, headers })},
               ${state}::text, ${code}::text, ${code}::text, ${message}::text, ${field}::text,
               ${claimed.source}::text, ${claimed.campaign}::text, ${claimed.version}::text, ${fingerprint}::text,
               ${letter.timestamp ?? -1}::bigint, 0, ${isPending ? 1 : 5}::int, 5,
               CASE WHEN ${isPending} THEN now() END
        FROM sources s WHERE s.topic = 'events'
        RETURNING letter_id
      ), bytes AS (
        INSERT INTO dead_letter_records (letter_id, record_key, record_value, record_headers)
        SELECT letter_id, ${key}::bytea, ${value}::bytea, ${encodeHeaders(headers)}::bytea
        FROM letter WHERE ${letter.hasBytes ?? true}
      )
      SELECT letter_id::text FROM letter`.execute(db);
    ids.push(rows[0]?.letter_id ?? '');
  }
  return ids;
}
