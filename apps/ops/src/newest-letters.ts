import type { Database } from '@adtally/db';
import { recordBytes, type RecordBytes } from './record-bytes.ts';

/** A record that could not be counted, as it failed last. */
export interface RejectedRecord extends RecordBytes {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly recordedAt: Date;
  readonly code: string;
  readonly field: string;
  readonly message: string;
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
      ...recordBytes('d'),
    ])
    .where('l.state', 'in', ['pending', 'dead'])
    .$if(topic !== undefined, (query) => query.where('s.topic', '=', topic ?? ''))
    .orderBy('l.letter_id', 'desc')
    .limit(limit)
    .execute();
}
