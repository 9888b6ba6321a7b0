import { sql } from 'kysely';
import type { DatabaseExecutor } from '@adtally/db';

/** Bytes dropped by one call. */
export const EXPIRED_AT_ONCE_MAX = 5_000;

/**
 * Drops the bytes of settled letters that are so old; hash, code and outcome stay. A letter that is still
 * tried or has its turn in a redrive before it keeps its bytes, and a discarded one for as long after the
 * discard, so that it can be undone. Copies that nothing confirmed in that time are orphans.
 * Returns how many were dropped, at most 5,000 a call.
 */
export async function expireLetterRecords(
  db: DatabaseExecutor,
  retentionDays: number,
): Promise<number> {
  await db
    .updateTable('dead_letters')
    .set({ state: 'orphan', settled_at: sql`clock_timestamp()` })
    .where('state', '=', 'unconfirmed')
    .where('recorded_at', '<', sql<Date>`now() - ${retentionDays} * interval '1 day'`)
    .execute();
  const { numAffectedRows } = await sql`
    WITH expired AS (
      SELECT b.letter_id FROM dead_letter_records b JOIN dead_letters l USING (letter_id)
      WHERE b.recorded_at < now() - ${retentionDays} * interval '1 day'
        AND l.state IN ('resolved', 'dead', 'discarded', 'orphan')
        AND NOT EXISTS (
          SELECT FROM operator_actions a
          WHERE a.action_id = l.discard_action AND a.acted_at >= now() - ${retentionDays} * interval '1 day'
        )
        AND NOT EXISTS (
          SELECT FROM redrive_receipts r JOIN redrive_jobs j USING (job_id)
          WHERE r.letter_id = l.letter_id AND r.outcome IS NULL AND j.state IN ('running', 'paused')
        )
      ORDER BY b.recorded_at LIMIT ${sql.lit(EXPIRED_AT_ONCE_MAX)}
      -- The letter too: whoever opens it again looks for its bytes only once it has the lock.
      FOR UPDATE OF b, l SKIP LOCKED
    )
    DELETE FROM dead_letter_records b USING expired WHERE b.letter_id = expired.letter_id`.execute(
    db,
  );
  return Number(numAffectedRows ?? 0);
}
