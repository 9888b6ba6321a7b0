import { type AuditCheck, OFFENDING_FETCH } from './check.ts';
import { KEYS_XOR } from './rows.ts';

/** Ids a day older than what is looked at are still read at once. */
const YOUNG_MS = 86_400_000;

/**
 * I4 of what was counted since a time: range by range, the rows are those the ledger counted. Read are the days of
 * `events` from the day before on; older ones only where a range lacks rows there: late events, or rows that are
 * missing. Rows that lie in no range are the whole audit's.
 */
export function rowsSince(since: Date): AuditCheck {
  const firstId = idOf(since.getTime() - YOUNG_MS);
  const counted = `committed_at >= '${since.toISOString()}'`;
  return {
    id: 'I4',
    name: 'the rows in events are those the ledger counted since then, range by range',
    statement: `
    WITH expected AS MATERIALIZED (
      SELECT l.source_id, l.first_offset, l.end_offset, l.stored - l.purged AS rows,
             l.stored_fingerprint # l.purged_fingerprint AS fingerprint
      FROM ledger l JOIN sources s USING (source_id)
      WHERE l.first_offset IS NOT NULL AND s.kind <> 'dlq' AND l.${counted}
    ), bounds AS MATERIALIZED (
      SELECT source_id, array_agg(DISTINCT bound ORDER BY bound) AS bounds,
             min(bound) AS lowest, max(bound) AS highest
      FROM expected CROSS JOIN LATERAL (VALUES (first_offset), (end_offset)) AS b (bound)
      GROUP BY source_id
    ), young AS MATERIALIZED (
      SELECT r.source_id, width_bucket(r.source_offset, b.bounds) AS range, count(*) AS found, ${KEYS_XOR} AS fingerprint
      FROM events r JOIN bounds b ON b.source_id = r.source_id
        AND r.source_offset >= b.lowest AND r.source_offset < b.highest
      WHERE r.impression_id >= '${firstId}'
      GROUP BY 1, 2
    ), differing AS MATERIALIZED (
      SELECT e.*, coalesce(y.found, 0) AS found, coalesce(y.fingerprint, 0) AS found_fingerprint
      FROM expected e JOIN bounds b USING (source_id)
        LEFT JOIN young y ON y.source_id = e.source_id AND b.bounds[y.range] = e.first_offset
      WHERE e.rows <> coalesce(y.found, 0) OR e.fingerprint <> coalesce(y.fingerprint, 0)
    ), old AS MATERIALIZED (
      SELECT d.source_id, d.first_offset, count(*) AS found, ${KEYS_XOR} AS fingerprint
      FROM differing d JOIN events r ON r.source_id = d.source_id
        AND r.source_offset >= d.first_offset AND r.source_offset < d.end_offset
      -- Asked once, before: where nothing differs no old day is read.
      WHERE r.impression_id < '${firstId}' AND EXISTS (SELECT FROM differing)
      GROUP BY 1, 2
    ), placed AS (
      SELECT d.*, d.found + coalesce(o.found, 0) AS all_found,
             d.found_fingerprint # coalesce(o.fingerprint, 0) AS all_fingerprint
      FROM differing d LEFT JOIN old o USING (source_id, first_offset)
    )
    SELECT source_id,
           CASE WHEN rows <> all_found THEN format('the ledger counted %s rows, events has %s', rows, all_found)
                ELSE format('%s rows, but not with the keys the ledger counted', rows) END AS detail,
           first_offset, end_offset
    FROM placed WHERE rows <> all_found OR fingerprint <> all_fingerprint
    ORDER BY 1, 3 LIMIT ${OFFENDING_FETCH}`,
  };
}

/** The first UUIDv7 of a millisecond. */
function idOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
