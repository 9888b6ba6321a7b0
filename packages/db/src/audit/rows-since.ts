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
    ), ${countedIn('young', 'expected', `r.impression_id >= '${firstId}'`)}, differing AS MATERIALIZED (
      SELECT e.*, coalesce(y.found, 0) AS found, coalesce(y.fingerprint, 0) AS found_fingerprint
      FROM expected e LEFT JOIN young y USING (source_id, first_offset)
      WHERE e.rows <> coalesce(y.found, 0) OR e.fingerprint <> coalesce(y.fingerprint, 0)
    -- Asked once, before: where nothing differs no old day is read.
    ), ${countedIn('old', 'differing', `r.impression_id < '${firstId}' AND EXISTS (SELECT FROM differing)`)}, placed AS (
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

/**
 * The common table expression of that name: of each of these ranges the rows of `events r` that lie in it, by number and
 * by the XOR of their keys. Each row is put in its range by a search, once, however many ranges there are; what lies
 * between two of them has a part of its own, of which no range has the beginning.
 */
function countedIn(name: string, ranges: string, condition: string): string {
  return `${name}_bounds AS MATERIALIZED (
      SELECT source_id, array_agg(DISTINCT bound ORDER BY bound) AS bounds,
             min(bound) AS lowest, max(bound) AS highest
      FROM ${ranges} CROSS JOIN LATERAL (VALUES (first_offset), (end_offset)) AS b (bound)
      GROUP BY source_id
    ), ${name} AS MATERIALIZED (
      SELECT source_id, b.bounds[part] AS first_offset, found, fingerprint
      FROM (
        SELECT r.source_id, width_bucket(r.source_offset, b.bounds) AS part, count(*) AS found, ${KEYS_XOR} AS fingerprint
        FROM events r JOIN ${name}_bounds b ON b.source_id = r.source_id
          AND r.source_offset >= b.lowest AND r.source_offset < b.highest
        WHERE ${condition}
        GROUP BY 1, 2
      ) parts JOIN ${name}_bounds b USING (source_id)
    )`;
}

/** The first UUIDv7 of a millisecond. */
function idOf(ms: number): string {
  const hex = Math.max(0, ms).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
