import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/** How much of ids without a time would leave: impressions all of which was committed before a time. Reads all events. */
export async function timelessToLeave(
  db: DatabaseExecutor,
  committedBeforeMs: number,
): Promise<{ readonly impressions: number; readonly events: number }> {
  const { rows } = await sql<{ impressions: bigint; events: bigint }>`
    WITH limits AS MATERIALIZED (
      SELECT source_id, coalesce(min(first_offset) FILTER (
        WHERE committed_at >= to_timestamp(${committedBeforeMs}::float8 / 1000)), max(end_offset)) AS before_offset
      FROM ledger GROUP BY 1
    ), leaving AS (
      SELECT e.impression_id, count(*) AS events
      FROM events e JOIN limits l USING (source_id) WHERE rollup_cohort(e.impression_id) < 0
      GROUP BY 1 HAVING bool_and(e.source_offset < l.before_offset)
    )
    SELECT count(*) AS impressions, coalesce(sum(events), 0)::bigint AS events FROM leaving`.execute(
    db,
  );
  return {
    impressions: Number(rows[0]?.impressions ?? 0),
    events: Number(rows[0]?.events ?? 0),
  };
}
