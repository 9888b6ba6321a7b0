import { sql } from 'kysely';
import type { DatabaseExecutor } from '../database.ts';

const AT_ONCE_MAX = 5_000;

/**
 * Drops the bytes of settled letters that are so old; hash, code and outcome stay. A letter that is still
 * tried keeps its bytes, and a discarded one for as long after the discard, so that it can be undone.
 * Returns how many were dropped, at most 5,000 a call.
 */
export async function expireLetterRecords(
  db: DatabaseExecutor,
  retentionDays: number,
): Promise<number> {
  const { numAffectedRows } = await sql`
    WITH expired AS (
      SELECT b.letter_id FROM dead_letter_records b JOIN dead_letters l USING (letter_id)
      WHERE b.recorded_at < now() - ${retentionDays} * interval '1 day'
        AND l.state IN ('resolved', 'dead', 'discarded', 'orphan')
        AND NOT EXISTS (
          SELECT FROM operator_actions a
          WHERE a.action_id = l.discard_action AND a.acted_at >= now() - ${retentionDays} * interval '1 day'
        )
      ORDER BY b.recorded_at LIMIT ${sql.lit(AT_ONCE_MAX)}
      FOR UPDATE OF b SKIP LOCKED
    )
    DELETE FROM dead_letter_records b USING expired WHERE b.letter_id = expired.letter_id`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0);
}
