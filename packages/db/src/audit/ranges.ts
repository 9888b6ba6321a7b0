/**
 * Puts the rows of a table into the ledger's ranges in one pass. Every first and end of a source's
 * ledger rows is a bound; a row's range is found by binary search (`width_bucket`), which costs
 * 0.1 us a row where a range join would need an index lookup. Where the ledger does not tile, the
 * hole is a range of its own, without a ledger row.
 *
 * Yields the common table expressions `bounds` and `placed (source_id, first_offset, end_offset,
 * found, fingerprint, lowest, highest)`; first and end are null outside all ranges.
 */
export function placedInRanges(table: string, fingerprint = '0::bigint'): string {
  return `
    bounds AS MATERIALIZED (
      SELECT source_id, array_agg(DISTINCT bound ORDER BY bound) AS bounds
      FROM (
        SELECT source_id, first_offset AS bound FROM ledger WHERE first_offset IS NOT NULL
        UNION ALL
        SELECT source_id, end_offset FROM ledger
      ) AS bound
      GROUP BY source_id
    ), counted AS MATERIALIZED (
      SELECT r.source_id, width_bucket(r.source_offset, b.bounds) AS range, count(*) AS found,
             ${fingerprint} AS fingerprint,
             min(r.source_offset) AS lowest, max(r.source_offset) AS highest
      FROM ${table} r LEFT JOIN bounds b USING (source_id)
      GROUP BY 1, 2
    ), placed AS (
      SELECT c.source_id, b.bounds[c.range] AS first_offset, b.bounds[c.range + 1] AS end_offset,
             c.found, c.fingerprint, c.lowest, c.highest
      FROM counted c LEFT JOIN bounds b USING (source_id)
    )`;
}
