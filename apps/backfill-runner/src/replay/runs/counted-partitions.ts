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
  const rows = await db
    .selectFrom('sources as s')
    .innerJoin('cursors as c', 'c.source_id', 's.source_id')
    .innerJoin('ledger as l', (join) =>
      join.onRef('l.source_id', '=', 's.source_id').on('l.first_offset', 'is', null),
    )
    .select(['s.source_id', 's.partition', 'c.next_offset', 'l.end_offset'])
    .where('s.kind', '=', 'events')
    .where('s.topic_id', '=', topicId)
    .where('s.closed_at', 'is', null)
    .execute();
  return new Map(
    rows.map((row) => [
      row.partition,
      {
        sourceId: row.source_id,
        partition: row.partition,
        genesis: Number(row.end_offset),
        cursor: Number(row.next_offset),
      },
    ]),
  );
}
