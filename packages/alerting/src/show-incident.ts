import type { DatabaseExecutor } from '@adtally/db';
import { findIncident, type Incident } from './incidents.ts';

/** One thing that was, or is to be, told of an incident to one sink. */
export interface IncidentNotification {
  readonly revision: number;
  readonly sink: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly createdAt: Date;
  /** When it was sent or given up. */
  readonly settledAt: Date | null;
}

export interface ShownIncident {
  readonly incident: Incident;
  /** In the order they were written; those already cleaned away are missing. */
  readonly notifications: readonly IncidentNotification[];
}

/** An incident with what was told of it; undefined where there is none of that id. */
export async function showIncident(
  db: DatabaseExecutor,
  incidentId: string,
): Promise<ShownIncident | undefined> {
  const incident = await findIncident(db, BigInt(incidentId));
  if (incident === undefined) return undefined;
  const notifications = await db
    .selectFrom('notifications')
    .select([
      'revision',
      'sink',
      'kind',
      'state',
      'attempts',
      'created_at as createdAt',
      'settled_at as settledAt',
    ])
    .where('incident_id', '=', incident.incidentId)
    .orderBy('notification_id')
    .execute();
  return { incident, notifications };
}
