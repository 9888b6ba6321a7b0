import type { WriterSession } from '@adtally/db';

const AT_ONCE_MAX = 10_000;

// Cursor and reference are read in one snapshot, and were committed together: there is no reference before
// the cursor has passed, and where there is none then, there never will be. Copies that claim an offset far
// ahead cost nothing until then.
const CONFIRM = `
  WITH passed AS (
    SELECT l.letter_id, l.source_id, l.source_offset, l.record_sha256
    FROM sources s
    JOIN cursors c USING (source_id)
    JOIN dead_letters l ON l.source_id = c.source_id AND l.state = 'unconfirmed'
     AND l.source_offset < CASE WHEN s.closed_at IS NULL THEN c.next_offset ELSE 9223372036854775807 END
    WHERE s.kind = 'events'
    LIMIT ${AT_ONCE_MAX}
    FOR UPDATE OF l SKIP LOCKED
  ), decided AS (
    SELECT p.letter_id, r.code, r.append_ms, r.source_id IS NOT NULL AS is_confirmed
    FROM passed p
    LEFT JOIN dead_letter_refs r ON r.source_id = p.source_id AND r.source_offset = p.source_offset
                                AND r.record_sha256 = p.record_sha256
  ), moved AS (
    UPDATE dead_letters l SET
      state = CASE WHEN d.is_confirmed THEN 'pending' ELSE 'orphan' END,
      code = coalesce(d.code, l.code), last_code = coalesce(d.code, l.last_code), append_ms = d.append_ms,
      next_attempt_at = CASE WHEN d.is_confirmed THEN clock_timestamp() END,
      settled_at = CASE WHEN d.is_confirmed THEN NULL ELSE clock_timestamp() END
    FROM decided d WHERE l.letter_id = d.letter_id
    RETURNING d.is_confirmed
  )
  SELECT count(*) FILTER (WHERE is_confirmed)::int AS confirmed,
         count(*) FILTER (WHERE NOT is_confirmed)::int AS orphans
  FROM moved`;

/** Decides the copies that came before their reference: confirmed, or an orphan for good. */
export async function confirmLetters(
  session: WriterSession,
): Promise<{ confirmed: number; orphans: number }> {
  const [row] = await session.query<{ confirmed: number; orphans: number }>(CONFIRM);
  return row ?? { confirmed: 0, orphans: 0 };
}
