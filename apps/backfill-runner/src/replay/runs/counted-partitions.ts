import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

/** A partition of an events topic as far as it was counted. Offsets are the topic's. */
export interface CountedPartition {
  readonly sourceId: number;
  readonly partition: number;
  /** Where counting began. */
  readonly genesis: number;
  /** The next offset the consumer counts. */
  readonly cursor: number;
}

/** The open sources of kind `events` of this very topic, by partition. */
export async function countedPartitions(
  db: DatabaseExecutor,
  topicId: string,
): Promise<Map<number, CountedPartition>> {
  const { rows } = await sql<CountedPartition>`
    SELECT s.source_id AS "sourceId", s.partition, c.next_offset::float8 AS cursor,
           l.end_offset::float8 AS genesis
    FROM sources s JOIN cursors c USING (source_id)
    JOIN ledger l ON l.source_id = s.source_id AND l.first_offset IS NULL
    WHERE s.kind = 'events' AND s.topic_id = ${topicId} AND s.closed_at IS NULL`.execute(db);
  return new Map(rows.map((row) => [row.partition, row]));
}
