import { sql } from 'kysely';
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
  const { rows } = await sql<IncidentNotification>`
    SELECT revision, sink, kind, state, attempts, created_at AS "createdAt", settled_at AS "settledAt"
    FROM notifications WHERE incident_id = ${incidentId}::bigint ORDER BY notification_id`.execute(
    db,
  );
  return { incident, notifications: rows };
}
