import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/**
 * Records that ingest has still to count, as its consumers last saw the ends of their partitions. Halted
 * partitions wait for a person and do not count.
 */
export async function readIngestLag(db: DatabaseExecutor): Promise<number> {
  const { lag } = await db
    .selectFrom('cursors as c')
    .innerJoin('sources as s', 's.source_id', 'c.source_id')
    .select(sql<string | null>`sum(greatest(c.known_end_offset - c.next_offset, 0))`.as('lag'))
    .where('s.kind', '=', 'events')
    .where('s.closed_at', 'is', null)
    .where('c.halted_code', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(lag ?? 0);
}
