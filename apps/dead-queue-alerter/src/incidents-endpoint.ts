import { listIncidents, outboxBacklog } from '@adtally/alerting';
import { type Database } from '@adtally/db';
import type { FastifyInstance } from '@adtally/service';

export interface IncidentsSource {
  readonly role: 'starting' | 'standby' | 'active';
  readonly epoch: bigint | null;
  /** Null before the start. */
  readonly pool: Database | null;
}

/** `GET /incidents`: what is open and what waits to be sent, from the database; any instance answers. */
export function mountIncidents(app: FastifyInstance, source: IncidentsSource): void {
  app.get('/incidents', async (_request, reply) => {
    const { pool, role, epoch } = source;
    if (pool === null) return reply.code(503).send({ error: 'not started' });
    try {
      const open = await listIncidents(pool, { status: 'firing' });
      const backlog = await outboxBacklog(pool);
      return {
        role,
        epoch: epoch === null ? null : Number(epoch),
        incidents: open.map((incident) => ({
          incident_id: Number(incident.incidentId),
          alert: incident.alert,
          key: incident.key,
          starts_at: incident.startsAt,
          opened_at: incident.openedAt,
          letters: Number(incident.letters),
          summary: incident.summary,
          detected_late: incident.detectedLate,
          told_at: incident.toldAt,
          acknowledged_at: incident.acknowledgedAt,
          acknowledged_by: incident.acknowledgedBy,
        })),
        outbox: backlog.map(({ sink, waiting, oldestSeconds }) => ({
          sink,
          waiting,
          oldest_waiting_seconds: oldestSeconds,
        })),
      };
    } catch {
      return reply.code(503).send({ error: 'the database does not answer' });
    }
  });
}
