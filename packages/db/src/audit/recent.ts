import type { DatabaseExecutor } from '../database.ts';
import { type AuditCheckResult, runCheck } from './audit.ts';
import { BALANCE } from './balance.ts';
import { type AuditCheck, OFFENDING_FETCH } from './check.ts';
import { CURSOR } from './cursor.ts';

/** The newest ledger rows of each source: an hour or so of a busy one. */
const ROWS_A_SOURCE = 200;

const NEWEST = `
  SELECT l.* FROM sources s CROSS JOIN LATERAL (
    SELECT * FROM ledger WHERE source_id = s.source_id ORDER BY end_offset DESC LIMIT ${ROWS_A_SOURCE}
  ) l`;

/** The newest rows tile; where the oldest of them begins is the full audit's. */
const TILING_OF_NEWEST: AuditCheck = {
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

/** Every dead letter the newest rows count has its reference; retries have tries instead, which are not looked at. */
const REFERENCES_OF_NEWEST: AuditCheck = {
  id: 'dead-letter-refs',
  name: 'every dead letter in the newest ledger rows has its reference',
  statement: `
    SELECT l.source_id, format('the ledger counted dead_lettered %s, dead_letter_refs has %s', l.dead_lettered, r.found)
             AS detail,
           l.first_offset, l.end_offset
    FROM ledger l JOIN sources s USING (source_id) CROSS JOIN LATERAL (
      SELECT count(*) AS found FROM dead_letter_refs d
      WHERE d.source_id = l.source_id AND d.source_offset >= l.first_offset AND d.source_offset < l.end_offset
    ) AS r
    WHERE l.first_offset IS NOT NULL AND s.kind IN ('events', 'replay') AND r.found <> l.dead_lettered
    ORDER BY 1, 3 LIMIT ${OFFENDING_FETCH}`,
};

const CHECKS: readonly AuditCheck[] = [TILING_OF_NEWEST, BALANCE, CURSOR, REFERENCES_OF_NEWEST];

/**
 * The audit of what was counted lately: arithmetic, tiling, cursors and dead letters' references of the newest ledger
 * rows. It reads some hundred rows a source by index, whatever the tables hold; what is wrong further back, and
 * `events` itself, only the full audit sees.
 */
export async function auditRecent(db: DatabaseExecutor): Promise<AuditCheckResult[]> {
  const results: AuditCheckResult[] = [];
  for (const check of CHECKS) {
    results.push(await runCheck(db, { ...check, statement: onNewest(check.statement) }));
  }
  return results;
}

/** The same statement on the newest rows alone: within it their name hides the table's. */
function onNewest(statement: string): string {
  const newest = `newest AS MATERIALIZED (${NEWEST}), ledger AS (SELECT * FROM newest)`;
  const own = statement.trimStart();
  return own.startsWith('WITH ')
    ? `WITH ${newest}, ${own.slice('WITH '.length)}`
    : `WITH ${newest} ${own}`;
}
