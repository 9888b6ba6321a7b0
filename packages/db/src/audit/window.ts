import { type AuditCheck, OFFENDING_FETCH } from './check.ts';

// Checks of some of the ledger's rows, the newest of each source: by index, whatever the tables hold.

/**
 * The same check on a window of the ledger alone: within it the window's name hides the table's.
 *
 * @param window a query for rows of the ledger; of each source the newest ones, at least one, without a hole
 */
export function onWindow(check: AuditCheck, window: string): AuditCheck {
  const rows = `looked_at AS MATERIALIZED (${window}), ledger AS (SELECT * FROM looked_at)`;
  const own = check.statement.trimStart();
  const statement = own.startsWith('WITH ')
    ? `WITH ${rows}, ${own.slice('WITH '.length)}`
    : `WITH ${rows} ${own}`;
  return { ...check, statement };
}

/** The window's rows tile; what the first of them follows is the whole audit's. */
export const TILING_OF_WINDOW: AuditCheck = {
  id: 'I1',
  name: 'the newest ledger rows tile every source without gap, overlap or fork',
  statement: `
    WITH tiles AS (
      SELECT source_id, first_offset, end_offset,
             lag(end_offset) OVER (PARTITION BY source_id ORDER BY end_offset) AS previous_end
      FROM ledger
    )
    SELECT source_id, format('a ledger row begins at %s, the one before ends at %s', first_offset, previous_end)
             AS detail,
           least(first_offset, previous_end) AS first_offset, end_offset
    FROM tiles WHERE previous_end IS NOT NULL AND first_offset IS DISTINCT FROM previous_end
    ORDER BY 1, 3 NULLS FIRST LIMIT ${OFFENDING_FETCH}`,
};

/** A side table holds one row for each record that the window's rows count as such. */
function countedInWindow(side: {
  readonly id: string;
  readonly name: string;
  readonly column: string;
  readonly table: string;
  readonly source: string;
  readonly offset: string;
  readonly kinds: string;
}): AuditCheck {
  const { id, name, column, table, source, offset, kinds } = side;
  return {
    id,
    name,
    statement: `
    SELECT l.source_id, format('the ledger counted ${column} %s, ${table} has %s', l.${column}, r.found) AS detail,
           l.first_offset, l.end_offset
    FROM ledger l JOIN sources s USING (source_id) CROSS JOIN LATERAL (
      SELECT count(*) AS found FROM ${table} d
      WHERE d.${source} = l.source_id AND d.${offset} >= l.first_offset AND d.${offset} < l.end_offset
    ) AS r
    WHERE l.first_offset IS NOT NULL AND s.kind IN (${kinds}) AND r.found <> l.${column}
    ORDER BY 1, 3 LIMIT ${OFFENDING_FETCH}`,
  };
}

/** Retries have tries instead of references, which are not looked at. */
export const REFERENCES_OF_WINDOW = countedInWindow({
  id: 'dead-letter-refs',
  name: 'every dead letter in the newest ledger rows has its reference',
  column: 'dead_lettered',
  table: 'dead_letter_refs',
  source: 'source_id',
  offset: 'source_offset',
  kinds: `'events', 'replay'`,
});

export const CONFLICTS_OF_WINDOW = countedInWindow({
  id: 'conflicts',
  name: 'every conflict in the newest ledger rows is kept with its bytes',
  column: 'conflict',
  table: 'conflicts',
  source: 'source_id',
  offset: 'source_offset',
  kinds: `'events', 'redrive', 'replay'`,
});

export const LETTERS_OF_WINDOW = countedInWindow({
  id: 'letters-copied',
  name: 'every record of the DLQ topic in the newest ledger rows is a letter',
  column: 'stored',
  table: 'dead_letters',
  source: 'dlq_source_id',
  offset: 'dlq_offset',
  kinds: `'dlq'`,
});
