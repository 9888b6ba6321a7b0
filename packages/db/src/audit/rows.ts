import { type AuditCheck, OFFENDING_FETCH } from './check.ts';
import { placedInRanges } from './ranges.ts';

// The key's first 64 bits, as the writer folds them into the ledger; the fastest spelling PostgreSQL has.
export const KEYS_XOR = `bit_xor(('x' || encode(substr(uuid_send(r.event_key), 1, 8), 'hex'))::bit(64)::bigint)`;

/** I4: range by range, the rows are those the ledger counted: by number and by the XOR of their keys. */
export const ROWS: AuditCheck = {
  id: 'I4',
  name: 'the rows in events are those the ledger counted, range by range',
  statement: `
    WITH ${placedInRanges('events', KEYS_XOR)}, expected AS (
      SELECT l.source_id, l.first_offset, l.end_offset, l.stored - l.purged AS rows,
             l.stored_fingerprint # l.purged_fingerprint AS fingerprint
      FROM ledger l JOIN sources s USING (source_id)
      WHERE l.first_offset IS NOT NULL AND s.kind <> 'dlq'
    )
    SELECT source_id,
           CASE WHEN e.rows IS NULL THEN format('%s rows lie in no ledger range', p.found)
                WHEN e.rows <> coalesce(p.found, 0)
                THEN format('the ledger counted %s rows, events has %s', e.rows, coalesce(p.found, 0))
                ELSE format('%s rows, but not with the keys the ledger counted', e.rows) END AS detail,
           CASE WHEN e.rows IS NULL THEN p.lowest ELSE e.first_offset END AS first_offset,
           CASE WHEN e.rows IS NULL THEN p.highest + 1 ELSE e.end_offset END AS end_offset
    FROM expected e FULL JOIN placed p USING (source_id, first_offset, end_offset)
    WHERE e.rows IS DISTINCT FROM coalesce(p.found, 0)
       OR e.fingerprint IS DISTINCT FROM coalesce(p.fingerprint, 0)
    ORDER BY 1, 3 NULLS FIRST
    LIMIT ${OFFENDING_FETCH}`,
};
