import type { Database } from '@adtally/db';
import { recordBytes, type RecordBytes } from './record-bytes.ts';

/** A record whose key was stored before with another payload. */
export interface ConflictingRecord extends RecordBytes {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly recordedAt: Date;
}

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
      ...recordBytes('c'),
    ])
    .where('s.kind', '=', 'events')
    .$if(topic !== undefined, (query) => query.where('s.topic', '=', topic ?? ''))
    .orderBy('c.recorded_at', 'desc')
    .limit(limit)
    .execute();
}
