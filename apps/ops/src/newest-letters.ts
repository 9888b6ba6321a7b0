import type { Database } from '@adtally/db';
import { sql } from 'kysely';
import { VALUE_BYTES_MAX } from './newest-conflicts.ts';

/** A record that could not be counted, as it failed last. */
export interface RejectedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly recordedAt: Date;
  readonly code: string;
  readonly field: string;
  readonly message: string;
  readonly value: Buffer;
  /** As `encodeHeaders` writes them. */
  readonly headers: Buffer;
}

/** The newest letters that wait or were given up and whose bytes are there, of one topic or of all. */
export async function newestLetters(
  db: Database,
  { topic, limit }: { readonly topic?: string | undefined; readonly limit: number },
): Promise<RejectedRecord[]> {
  return await db
    .selectFrom('dead_letters as l')
    .innerJoin('dead_letter_records as d', 'd.letter_id', 'l.letter_id')
    .innerJoin('sources as s', 's.source_id', 'l.source_id')
    .select([
      's.topic',
      's.partition',
      'l.source_offset as offset',
      'l.recorded_at as recordedAt',
      'l.last_code as code',
      'l.last_field as field',
      'l.last_message as message',
      // The driver gives buffers.
      sql<Buffer>`d.record_headers`.as('headers'),
      sql<Buffer>`CASE WHEN octet_length(d.record_value) <= ${VALUE_BYTES_MAX}
        THEN d.record_value ELSE '' END`.as('value'),
    ])
    .where('l.state', 'in', ['pending', 'dead'])
    .$if(topic !== undefined, (query) => query.where('s.topic', '=', topic ?? ''))
    .orderBy('l.letter_id', 'desc')
    .limit(limit)
    .execute();
}
