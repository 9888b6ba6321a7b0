import type { Database } from '@adtally/db';
import { sql } from 'kysely';

/** A record whose key was stored before with another payload. */
export interface ConflictingRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly recordedAt: Date;
  readonly value: Buffer;
  /** As `encodeHeaders` writes them. */
  readonly headers: Buffer;
}

/** Longer values are no use to whoever looks for a name in them. */
export const VALUE_BYTES_MAX = 65_536;

/** The newest conflicts that counting found, of one topic or of all; a replay's own are left out. */
export async function newestConflicts(
  db: Database,
  { topic, limit }: { readonly topic?: string | undefined; readonly limit: number },
): Promise<ConflictingRecord[]> {
  return await db
    .selectFrom('conflicts as c')
    .innerJoin('sources as s', 's.source_id', 'c.source_id')
    .select([
      's.topic',
      's.partition',
      'c.source_offset as offset',
      'c.recorded_at as recordedAt',
      // The driver gives buffers.
      sql<Buffer>`c.record_headers`.as('headers'),
      sql<Buffer>`CASE WHEN octet_length(c.record_value) <= ${VALUE_BYTES_MAX}
        THEN c.record_value ELSE '' END`.as('value'),
    ])
    .where('s.kind', '=', 'events')
    .$if(topic !== undefined, (query) => query.where('s.topic', '=', topic ?? ''))
    .orderBy('c.recorded_at', 'desc')
    .limit(limit)
    .execute();
}
