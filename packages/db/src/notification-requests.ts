import { redact, redactQuoted } from '@adtally/config';
import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';

/** A change of an alert's state that people should hear of. */
export interface NotificationRequest {
  /** What kind of alert, in the style of Prometheus alert names: `DlqVolumeSpike`. */
  readonly alert: string;
  /** Which one of its kind; firing and resolved requests of one alert and key are one incident. */
  readonly key: string;
  readonly status: 'firing' | 'resolved';
  /** One sentence; never a payload value. */
  readonly summary: string;
  /** Figures and coordinates, JSON; never a payload value. */
  readonly detail: Readonly<Record<string, unknown>>;
  /** The process that asks. */
  readonly requestedBy: string;
}

/**
 * Asks the dead-queue-alerter to tell people. Runs in the caller's transaction where one is given, so
 * that the request commits with the change it reports. Secrets of this process are hidden in it.
 */
export async function requestNotification(
  db: DatabaseExecutor,
  request: NotificationRequest,
): Promise<void> {
  await db
    .insertInto('notification_requests')
    .values({
      alert: request.alert,
      alert_key: request.key,
      status: request.status,
      summary: redact(request.summary),
      detail: redactQuoted(JSON.stringify(request.detail)),
      requested_by: request.requestedBy,
    })
    .execute();
}

export interface WaitingRequest extends NotificationRequest {
  readonly requestId: bigint;
  readonly requestedAt: Date;
}

/**
 * Takes the oldest waiting requests, at most `limit`, and marks them taken: for the transaction that acts
 * on them.
 */
export async function takeNotificationRequests(
  trx: DatabaseExecutor,
  limit: number,
): Promise<WaitingRequest[]> {
  const { rows } = await sql<WaitingRequest>`
    WITH taken AS (
      UPDATE notification_requests SET taken_at = clock_timestamp()
      WHERE request_id IN (
        SELECT request_id FROM notification_requests WHERE taken_at IS NULL
        ORDER BY request_id LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING *
    )
    SELECT request_id AS "requestId", alert, alert_key AS key, status, summary, detail,
           requested_by AS "requestedBy", requested_at AS "requestedAt"
    FROM taken ORDER BY request_id`.execute(trx);
  return rows;
}
