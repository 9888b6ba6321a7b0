import type { WriterSession } from '../writer-session.ts';

const AT_ONCE_MAX = 10_000;

// Cursor and reference are read in one snapshot, and were committed together: a cursor past the offset
// without a reference means that there will never be one.
const CONFIRM = `
  WITH decided AS (
    SELECT l.letter_id, r.code, r.append_ms, r.source_id IS NOT NULL AS is_confirmed
    FROM dead_letters l
    JOIN sources s ON s.source_id = l.source_id
    JOIN cursors c ON c.source_id = l.source_id
    LEFT JOIN dead_letter_refs r ON r.source_id = l.source_id AND r.source_offset = l.source_offset
                                AND r.record_sha256 = l.record_sha256
    WHERE l.state = 'unconfirmed'
      AND (r.source_id IS NOT NULL OR c.next_offset > l.source_offset OR s.closed_at IS NOT NULL)
    ORDER BY l.letter_id LIMIT ${AT_ONCE_MAX}
    FOR UPDATE OF l SKIP LOCKED
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
