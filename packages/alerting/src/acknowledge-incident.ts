import { sql } from 'kysely';
import { type Database, type Operator, recordAction, requireSigned } from '@adtally/db';

/** The actor takes it; the reason may be what is being done. */
export interface AcknowledgeRequest extends Operator {
  readonly incidentId: bigint;
}

export type AcknowledgeResult =
  | { readonly outcome: 'acknowledged' }
  | { readonly outcome: 'already-acknowledged'; readonly by: string }
  | { readonly outcome: 'not-firing' }
  | { readonly outcome: 'unknown-incident' };

/**
 * Somebody has taken an incident: updates and reminders stop, its resolution is still told. Written into
 * `operator_actions` in the same transaction.
 *
 * @throws Error where actor or reason is blank
 */
export async function acknowledgeIncident(
  db: Database,
  request: AcknowledgeRequest,
): Promise<AcknowledgeResult> {
  const { incidentId, actor } = request;
  requireSigned('acknowledging an incident', request);
  return await db.transaction().execute(async (trx) => {
    const incident = await trx
      .selectFrom('incidents')
      .select(['alert', 'alert_key', 'status', 'acknowledged_by'])
      .where('incident_id', '=', incidentId)
      .forUpdate()
      .executeTakeFirst();
    if (incident === undefined) return { outcome: 'unknown-incident' };
    if (incident.status !== 'firing') return { outcome: 'not-firing' };
    if (incident.acknowledged_by !== null) {
      return { outcome: 'already-acknowledged', by: incident.acknowledged_by };
    }
    await trx
      .updateTable('incidents')
      .set({ acknowledged_at: sql`clock_timestamp()`, acknowledged_by: actor })
      .where('incident_id', '=', incidentId)
      .execute();
    await recordAction(trx, request, 'acknowledge-incident', {
      incident_id: Number(incidentId),
      alert: incident.alert,
      key: incident.alert_key,
    });
    return { outcome: 'acknowledged' };
  });
}
