import { wholeAudit } from '@adtally/analytics';
import type { Secret } from '@adtally/config';
import { openDatabase, recordAudit, type AuditReport } from '@adtally/db';
import type { FastifyInstance } from '@adtally/service';

export interface AuditEndpointOptions {
  readonly databaseUrl: string | Secret;
  /** This process, as it names itself in cursors. */
  readonly owner: string;
}

/**
 * `GET /audit`: the checks of `ops audit` on the live database, in one snapshot. It reads every event, so
 * those who ask while one runs share its answer. 200 with `balanced` (what was counted, was counted right) and
 * `complete` (no partition stands still), true or false. What each check says is written down, for metrics and
 * alerts.
 */
export function mountAudit(app: FastifyInstance, options: AuditEndpointOptions): void {
  let running: Promise<AuditReport> | null = null;
  app.get('/audit', () => {
    running ??= runAudit(options).finally(() => {
      running = null;
    });
    return running;
  });
}

/** A connection of its own: an audit of many events outlasts the time-outs of the service's pool. */
async function runAudit({ databaseUrl, owner }: AuditEndpointOptions): Promise<AuditReport> {
  const db = openDatabase(databaseUrl, {
    applicationName: 'adtally-audit',
    maxConnections: 1,
    statementTimeoutMs: 0,
  });
  try {
    const report = await wholeAudit(db, { rollups: { full: false } });
    await recordAudit(db, 'full', report.checks, `${owner}: GET /audit`);
    return report;
  } finally {
    await db.destroy();
  }
}
