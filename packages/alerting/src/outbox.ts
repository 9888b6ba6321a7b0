import { sql } from 'kysely';
import type { DatabaseExecutor, NotificationKind } from '@adtally/db';

export interface NewNotification {
  readonly incidentId: bigint;
  readonly revision: number;
  readonly kind: NotificationKind;
  readonly sinks: readonly string[];
  /** What is said, JSON. */
  readonly message: unknown;
}

/** Whether a notification of that kind only adds to what is told already. */
const IS_NEWS: Readonly<Record<NotificationKind, boolean>> = {
  firing: false,
  update: true,
  repeat: true,
  resolved: false,
};

/**
 * Writes one row a sink, in the transaction of the change it tells. What a slow sink has not taken yet
 * gives way: its waiting updates are superseded by any later change, and an update is not added behind
 * an opening that still waits, whose resolution will say the rest.
 */
export async function insertNotifications(
  trx: DatabaseExecutor,
  { incidentId, revision, kind, sinks, message }: NewNotification,
): Promise<void> {
  if (sinks.length === 0) return;
  await trx
    .updateTable('notifications')
    .set({ state: 'superseded', settled_at: sql`clock_timestamp()` })
    .where('incident_id', '=', incidentId)
    .where('state', '=', 'waiting')
    .where('kind', 'in', ['update', 'repeat'])
    .execute();
  const isNews = IS_NEWS[kind];
  await sql`
    INSERT INTO notifications (incident_id, revision, sink, kind, message)
    SELECT ${incidentId}::bigint, ${revision}::int, s.sink, ${kind}, ${JSON.stringify(message)}::jsonb
    FROM unnest(${sinks}::text[]) AS s (sink)
    WHERE NOT ${isNews}::boolean OR NOT EXISTS (
      SELECT FROM notifications n
      WHERE n.incident_id = ${incidentId} AND n.sink = s.sink AND n.state = 'waiting')`.execute(
    trx,
  );
}

export interface ClaimedNotification {
  readonly notificationId: bigint;
  readonly incidentId: bigint;
  readonly revision: number;
  readonly kind: NotificationKind;
  readonly message: unknown;
  /** This one included. */
  readonly attempts: number;
  readonly refusals: number;
  /** Since it was written, by PostgreSQL's clock. */
  readonly ageMs: number;
}

/**
 * Takes the next row of a sink that is due, the oldest first; a row waits for those of its incident before
 * it. Counted as an attempt before anything is sent. Null where nothing is due, or the epoch is over.
 */
export async function claimNotification(
  session: DatabaseExecutor,
  sink: string,
  epoch: bigint,
): Promise<ClaimedNotification | null> {
  const { rows } = await sql<ClaimedNotification>`
    UPDATE notifications SET attempts = attempts + 1, claimed_epoch = ${epoch}::bigint,
                             claimed_at = clock_timestamp()
    WHERE EXISTS (SELECT FROM alerter_lease l WHERE l.epoch = ${epoch}) AND notification_id = (
      SELECT n.notification_id FROM notifications n
      WHERE n.sink = ${sink} AND n.state = 'waiting' AND n.next_attempt_at <= clock_timestamp()
        AND NOT EXISTS (
          SELECT FROM notifications e
          WHERE e.sink = ${sink} AND e.state = 'waiting' AND e.incident_id = n.incident_id
            AND e.notification_id < n.notification_id)
      ORDER BY n.notification_id LIMIT 1)
    RETURNING notification_id AS "notificationId", incident_id AS "incidentId", revision, kind, message,
              attempts, refusals,
              (extract(epoch FROM clock_timestamp() - created_at) * 1000)::float8 AS "ageMs"`.execute(
    session,
  );
  return rows[0] ?? null;
}

export type NotificationEnd =
  | { readonly state: 'sent' }
  | { readonly state: 'failed'; readonly error: string }
  /** To be tried again; `isRefusal` where the sink refused it for good. */
  | {
      readonly state: 'waiting';
      readonly error: string;
      readonly delayMs: number;
      readonly isRefusal: boolean;
    };

/** Writes down what became of an attempt. */
export async function settleNotification(
  session: DatabaseExecutor,
  notificationId: bigint,
  end: NotificationEnd,
): Promise<void> {
  const update = session.updateTable('notifications').where('notification_id', '=', notificationId);
  const over = { state: end.state, settled_at: sql<Date>`clock_timestamp()` };
  switch (end.state) {
    case 'waiting':
      await update
        .set({
          last_error: end.error,
          refusals: sql`refusals + ${end.isRefusal ? 1 : 0}`,
          next_attempt_at: sql`clock_timestamp() + ${end.delayMs} * interval '1 millisecond'`,
        })
        .where('state', '=', 'waiting')
        .execute();
      return;
    case 'sent':
      await update.set(over).execute();
      return;
    case 'failed':
      await update.set({ ...over, refusals: sql`refusals + 1`, last_error: end.error }).execute();
      return;
    default:
      end satisfies never;
  }
}

export interface OutboxBacklog {
  readonly sink: string;
  readonly waiting: number;
  readonly oldestSeconds: number;
}

/** What waits to be sent, by sink; sinks without anything are left out. */
export async function outboxBacklog(db: DatabaseExecutor): Promise<OutboxBacklog[]> {
  const rows = await db
    .selectFrom('notifications')
    .select(({ fn }) => [
      'sink',
      fn.countAll<bigint>().as('waiting'),
      sql<number>`extract(epoch FROM clock_timestamp() - min(created_at))::float8`.as(
        'oldestSeconds',
      ),
    ])
    .where('state', '=', 'waiting')
    .groupBy('sink')
    .orderBy('sink')
    .execute();
  return rows.map((row) => ({ ...row, waiting: Number(row.waiting) }));
}

/** Incidents that are open and whose opening this sink has taken, with what was last said of them. */
export async function openInSink(
  session: DatabaseExecutor,
  sink: string,
): Promise<{ incidentId: bigint; message: unknown }[]> {
  return await session
    .selectFrom('notifications as n')
    .innerJoin('incidents as i', 'i.incident_id', 'n.incident_id')
    .distinctOn('n.incident_id')
    .select(['n.incident_id as incidentId', 'n.message'])
    .where('i.status', '=', 'firing')
    .where('n.sink', '=', sink)
    .where('n.state', '=', 'sent')
    .orderBy('n.incident_id')
    .orderBy('n.revision', 'desc')
    .execute();
}

const PRUNE_ROWS_MAX = 1_000;

/** Deletes what was settled, and requests that were taken, longer ago than `memoryMs`. Incidents stay. */
export async function pruneNotifications(db: DatabaseExecutor, memoryMs: number): Promise<void> {
  const oldest = sql<Date>`clock_timestamp() - ${memoryMs} * interval '1 millisecond'`;
  await db
    .deleteFrom('notifications')
    .where('notification_id', 'in', (eb) =>
      eb
        .selectFrom('notifications as n')
        .innerJoin('incidents as i', 'i.incident_id', 'n.incident_id')
        .select('n.notification_id')
        .where('n.state', '<>', 'waiting')
        .where('n.settled_at', '<', oldest)
        .where('i.status', '=', 'resolved')
        .limit(PRUNE_ROWS_MAX),
    )
    .execute();
  await db
    .deleteFrom('notification_requests')
    .where('request_id', 'in', (eb) =>
      eb
        .selectFrom('notification_requests')
        .select('request_id')
        .where('taken_at', '<', oldest)
        .limit(PRUNE_ROWS_MAX),
    )
    .execute();
}
