import { type AuditCheck, OFFENDING_FETCH } from './check.ts';
import { placedInRanges } from './ranges.ts';

/** Range by range, a side table holds one row for each record the ledger counted as such. */
function countedInLedger(table: string, column: string, rows = table, kinds = ''): string {
  return `
    WITH ${placedInRanges(rows)}, expected AS (
      SELECT l.source_id, l.first_offset, l.end_offset, l.${column} AS rows
      FROM ledger l JOIN sources s USING (source_id)
      WHERE l.first_offset IS NOT NULL ${kinds}
    )
    SELECT source_id,
           CASE WHEN e.rows IS NULL THEN format('%s rows of ${table} lie in no ledger range', p.found)
                ELSE format('the ledger counted ${column} %s, ${table} has %s', e.rows, coalesce(p.found, 0))
           END AS detail,
           CASE WHEN e.rows IS NULL THEN p.lowest ELSE e.first_offset END AS first_offset,
           CASE WHEN e.rows IS NULL THEN p.highest + 1 ELSE e.end_offset END AS end_offset
    FROM expected e FULL JOIN placed p USING (source_id, first_offset, end_offset)
    WHERE e.rows IS DISTINCT FROM coalesce(p.found, 0)
    ORDER BY 1, 3 NULLS FIRST
    LIMIT ${OFFENDING_FETCH}`;
}

export const CONFLICTS: AuditCheck = {
  id: 'conflicts',
  name: 'every conflict counted is kept with its bytes',
  statement: countedInLedger('conflicts', 'conflict'),
};

export const DEAD_LETTER_REFS: AuditCheck = {
  id: 'dead-letter-refs',
  name: 'every dead-lettered record has its reference, every failed retry its try',
  statement: countedInLedger(
    'dead_letter_refs or dead_letter_attempts',
    'dead_lettered',
    `(SELECT source_id, source_offset FROM dead_letter_refs
      UNION ALL
      SELECT source_id, source_offset FROM dead_letter_attempts WHERE outcome = 'failed')`,
  ),
};

export const LETTERS_COPIED: AuditCheck = {
  id: 'letters-copied',
  name: 'every record of the DLQ topic counted as a letter is one',
  statement: countedInLedger(
    'dead_letters',
    'stored',
    `(SELECT dlq_source_id AS source_id, dlq_offset AS source_offset FROM dead_letters
      WHERE dlq_source_id IS NOT NULL)`,
    `AND s.kind = 'dlq'`,
  ),
};
