import { auditDatabase, type AuditReport, type Database, type OnCheck } from '@adtally/db';
import { rollupsCheck, type RollupsCheckOptions } from './rollups-check.ts';

export interface WholeAuditOptions {
  /** Every base of the rollups, else some of each version, chosen by chance. */
  readonly rollups: RollupsCheckOptions;
  readonly onCheck?: OnCheck;
}

/**
 * The audit, the same for whoever asks (`ops audit`, `GET /audit`, the demo): the checks of what was counted, and that
 * of the rollups, in one snapshot.
 *
 * @param db opened with `statementTimeoutMs: 0`
 */
export async function wholeAudit(
  db: Database,
  { rollups, ...options }: WholeAuditOptions,
): Promise<AuditReport> {
  return await auditDatabase(db, { ...options, extraChecks: [rollupsCheck(rollups)] });
}
