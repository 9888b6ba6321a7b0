import { auditRecent, auditResults, recordAudit, type DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { AUDIT_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** From one audit of what was counted lately to the next, whoever leads. */
const RECENT_EVERY_MS = 60_000;
const CHECKED_BY = 'the leader';

/**
 * What the checks of the audit last said. The leader itself audits what was counted lately, once a minute by what
 * stands in the database: a new leader goes on where the last one ended.
 */
export const auditFigures: Figures = {
  name: 'audit',
  metrics: AUDIT_METRICS,
  async tell(session, metrics) {
    await keepRecent(session);
    const results = await auditResults(session);
    metrics.auditFailedChecks.clear();
    metrics.auditTimestampSeconds.clear();
    for (const scope of ['recent', 'full'] as const) {
      const own = results.filter((result) => result.scope === scope);
      // An audit nobody ever ran is not one that holds.
      if (own.length === 0) continue;
      metrics.auditFailedChecks.set(own.filter(({ offence }) => offence !== null).length, {
        scope,
      });
      const newestMs = Math.max(...own.map(({ checkedAt }) => checkedAt.getTime()));
      metrics.auditTimestampSeconds.set(newestMs / 1_000, { scope });
    }
  },
};

async function keepRecent(session: DatabaseExecutor): Promise<void> {
  const { rows } = await sql<{ due: boolean }>`
    SELECT coalesce(max(checked_at) < clock_timestamp() - ${sql.lit(RECENT_EVERY_MS)} * interval '1 millisecond', true)
      AS due
    FROM audit_results WHERE scope = 'recent'`.execute(session);
  if (rows[0]?.due === true) {
    await recordAudit(session, 'recent', await auditRecent(session), CHECKED_BY);
  }
}
