import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

/** A replay passed what it says: what it wrote is its ledger, the rest is named. */
export const REPLAYS: AuditCheck = {
  id: 'replays',
  name: 'every offset a replay passed is accounted for',
  statement: `
    SELECT p.source_id,
           CASE WHEN p.written IS DISTINCT FROM c.next_offset
                THEN format('replay %s says it wrote %s rows of partition %s, its cursor %s', p.run_id, p.written,
                            p.partition, c.next_offset)
                ELSE format('replay %s passed %s offsets of partition %s and accounts for %s', p.run_id,
                            p.next_offset - p.first_offset, p.partition, t.told) END AS detail,
           NULL::bigint AS first_offset, NULL::bigint AS end_offset
    FROM replay_progress p LEFT JOIN cursors c USING (source_id) CROSS JOIN LATERAL (
      SELECT p.written + p.rejected + p.refused + p.discarded + p.known_conflicts + p.gap + p.missing AS told
    ) t
    WHERE p.written IS DISTINCT FROM c.next_offset OR p.next_offset - p.first_offset <> t.told
    ORDER BY p.source_id
    LIMIT ${OFFENDING_FETCH}`,
};
