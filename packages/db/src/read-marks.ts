import { sql } from 'kysely';
import type { Database } from './database.ts';

/** How far a source was counted, and who had appended what was counted last. */
export interface ReadMark {
  /** Of the claim under which it was counted. */
  readonly epoch: number;
  /** The offset behind a record that is counted, as are all before it. */
  readonly upTo: bigint;
  /** Of the leader that had appended that record. */
  readonly leaderEpoch: number;
}

/**
 * Notes marks by source id, by which a later claim can tell a log that has other records than were counted. A
 * mark never goes back, is noted by the source's owner alone, and never lies past the cursor, which may have gone
 * back with the database; rows are locked in the order commits lock them.
 */
export async function noteReadMarks(
  db: Database,
  marks: ReadonlyMap<number, ReadMark>,
): Promise<void> {
  if (marks.size === 0) return;
  const sourceIds = [...marks.keys()];
  const epochs = [...marks.values()].map(({ epoch }) => String(epoch));
  const upTo = [...marks.values()].map((mark) => String(mark.upTo));
  const leaderEpochs = [...marks.values()].map(({ leaderEpoch }) => leaderEpoch);
  await sql`
    WITH noted AS (
      SELECT c.source_id, n.up_to, n.leader_epoch
      FROM cursors c
      JOIN unnest(${sourceIds}::int[], ${epochs}::bigint[], ${upTo}::bigint[], ${leaderEpochs}::int[])
        AS n (source_id, epoch, up_to, leader_epoch) USING (source_id, epoch)
      WHERE n.up_to <= c.next_offset
        AND (c.read_up_to IS NULL OR c.read_up_to < n.up_to OR c.read_up_to > c.next_offset)
      ORDER BY c.source_id FOR UPDATE OF c
    )
    UPDATE cursors c SET read_up_to = noted.up_to, read_leader_epoch = noted.leader_epoch
    FROM noted WHERE c.source_id = noted.source_id`.execute(db);
}
