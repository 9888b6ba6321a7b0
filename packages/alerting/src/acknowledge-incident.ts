import { sql } from 'kysely';
import type { Database } from '@adtally/db';

export interface AcknowledgeRequest {
  readonly incidentId: bigint;
  /** Who takes it. */
  readonly actor: string;
  /** Why, or what is being done; kept for good. */
  readonly reason: string;
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
  const { incidentId, actor, reason } = request;
  if (actor.trim() === '' || reason.trim() === '') {
    throw new Error('acknowledging an incident needs an actor and a reason');
  }
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
    await trx
      .insertInto('operator_actions')
      .values({
        actor,
        action: 'acknowledge-incident',
        reason,
        detail: JSON.stringify({
          incident_id: Number(incidentId),
          alert: incident.alert,
          key: incident.alert_key,
        }),
      })
      .execute();
    return { outcome: 'acknowledged' };
  });
}
