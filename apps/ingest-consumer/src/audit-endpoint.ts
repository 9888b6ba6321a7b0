import type { Secret } from '@adtally/config';
import { auditDatabase, openDatabase, type AuditReport } from '@adtally/db';
import type { FastifyInstance } from '@adtally/service';

/**
 * `GET /audit`: the whole set of checks on the live database, in one snapshot. It reads every event, so
 * those who ask while one runs share its answer. 200 with `balanced`, true or false.
 */
export function mountAudit(app: FastifyInstance, databaseUrl: string | Secret): void {
  let running: Promise<AuditReport> | null = null;
  app.get('/audit', () => {
    running ??= runAudit(databaseUrl).finally(() => {
      running = null;
    });
    return running;
  });
}

/** A connection of its own: an audit of many events outlasts the time-outs of the service's pool. */
async function runAudit(databaseUrl: string | Secret): Promise<AuditReport> {
  const db = openDatabase(databaseUrl, {
    applicationName: 'adtally-audit',
    maxConnections: 1,
    statementTimeoutMs: 0,
  });
  try {
    return await auditDatabase(db);
  } finally {
    await db.destroy();
  }
}
