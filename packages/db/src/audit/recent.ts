import type { DatabaseExecutor } from '../database.ts';
import { type AuditCheckResult, runCheck } from './audit.ts';
import { BALANCE } from './balance.ts';
import type { AuditCheck } from './check.ts';
import { CURSOR } from './cursor.ts';
import { CONFLICTS_OF_WINDOW, onWindow, REFERENCES_OF_WINDOW, TILING_OF_WINDOW } from './window.ts';

/** The newest ledger rows of each source: an hour or so of a busy one. */
const ROWS_A_SOURCE = 200;

const NEWEST = `
  SELECT l.* FROM sources s CROSS JOIN LATERAL (
    SELECT * FROM ledger WHERE source_id = s.source_id ORDER BY end_offset DESC LIMIT ${ROWS_A_SOURCE}
  ) l`;

const CHECKS: readonly AuditCheck[] = [
  TILING_OF_WINDOW,
  BALANCE,
  CURSOR,
  REFERENCES_OF_WINDOW,
  CONFLICTS_OF_WINDOW,
];

/**
 * The audit of what was counted lately: arithmetic, tiling, cursors, dead letters' references and conflicts of the
 * newest ledger rows. It reads some hundred rows a source by index, whatever the tables hold; what is wrong further
 * back, and `events` itself, others see (since.ts, audit.ts).
 */
export async function auditRecent(db: DatabaseExecutor): Promise<AuditCheckResult[]> {
  const results: AuditCheckResult[] = [];
  for (const check of CHECKS) results.push(await runCheck(db, onWindow(check, NEWEST)));
  return results;
}
