import {
  auditAgeMs,
  auditRecent,
  auditResults,
  recordAudit,
  type DatabaseExecutor,
} from '@adtally/db';
import { AUDIT_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** From one audit of what was counted lately to the next, whoever leads. */
const RECENT_EVERY_MS = 60_000;
const CHECKED_BY = 'the leader';

/**
 * What the checks of the audit last said. The leader itself audits the newest ledger rows, once a minute by what
 * stands in the database: a new leader goes on where the last one ended. What takes longer stands in
 * `running-audit.ts`.
 */
export const auditFigures: Figures = {
  name: 'audit',
  metrics: AUDIT_METRICS,
  async tell(session, metrics) {
    await keepRecent(session);
    const results = await auditResults(session);
    metrics.auditFailedChecks.clear();
    metrics.auditTimestampSeconds.clear();
    for (const scope of ['recent', 'days', 'full'] as const) {
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
  const ageMs = await auditAgeMs(session, 'recent');
  if (ageMs !== null && ageMs < RECENT_EVERY_MS) return;
  await recordAudit(session, 'recent', await auditRecent(session), CHECKED_BY);
}
