import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { requestNotification, type Database } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { insertIncident, nextRevision, updateIncident } from '../src/incidents.ts';
import {
  claimNotification,
  insertNotifications,
  openInSink,
  outboxBacklog,
  pruneNotifications,
  settleNotification,
} from '../src/outbox.ts';
import { showIncident } from '../src/show-incident.ts';

const EPOCH = 0n;
const DAY_MS = 86_400_000;

async function openedIncident(db: Database, key: string): Promise<bigint> {
  const { incidentId } = await insertIncident(db, {
    alert: 'DlqVolumeSpike',
    key,
    startsAt: new Date(0),
    summary: key,
    detail: {},
  });
  return incidentId;
}

async function tell(
  db: Database,
  incidentId: bigint,
  kind: 'firing' | 'update' | 'resolved',
): Promise<void> {
  const { revision } = await nextRevision(db, incidentId);
  const message = { incident: Number(incidentId), revision };
  await insertNotifications(db, { incidentId, revision, kind, sinks: ['a', 'b'], message });
}

async function send(db: Database, sink: string): Promise<void> {
  const next = await claimNotification(db, sink, EPOCH);
  await settleNotification(db, next?.notificationId ?? -1n, { state: 'sent' });
}

test('a sink knows the open incidents whose opening it has taken, by what it was told last', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [told, untold, over] = [
    await openedIncident(db, 'told'),
    await openedIncident(db, 'untold'),
    await openedIncident(db, 'over'),
  ];
  await tell(db, told, 'firing');
  await send(db, 'a');
  await tell(db, told, 'update');
  await send(db, 'a');
  await tell(db, told, 'update');
  await tell(db, over, 'firing');
  await tell(db, untold, 'firing');
  await updateIncident(db, over, { endsAt: new Date(1) });
  expect(await openInSink(db, 'a')).toEqual([
    { incidentId: told, message: { incident: Number(told), revision: 2 } },
  ]);
  expect(await openInSink(db, 'b')).toEqual([]);
  const backlog = await outboxBacklog(db);
  expect(backlog.map(({ sink, waiting }) => [sink, waiting])).toEqual([
    ['a', 3],
    ['b', 3],
  ]);
  expect(backlog[0]?.oldestSeconds).toBeGreaterThanOrEqual(0);
});

test('an incident is shown with what was told of it, in order', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const incidentId = await openedIncident(db, 'shown');
  await tell(db, incidentId, 'firing');
  await send(db, 'a');
  await tell(db, await openedIncident(db, 'another'), 'firing');
  const shown = await showIncident(db, String(incidentId));
  expect(shown?.incident).toMatchObject({ incidentId, key: 'shown', revision: 1 });
  expect(shown?.notifications).toMatchObject([
    { revision: 1, sink: 'a', kind: 'firing', state: 'sent', attempts: 1 },
    { revision: 1, sink: 'b', kind: 'firing', state: 'waiting', attempts: 0, settledAt: null },
  ]);
  expect(shown?.notifications[0]?.settledAt).toBeInstanceOf(Date);
  expect(await showIncident(db, '99')).toBeUndefined();
});

test('what was settled of incidents that are over is forgotten in time, and nothing else', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [firing, over] = [await openedIncident(db, 'firing'), await openedIncident(db, 'over')];
  for (const incident of [firing, over]) await tell(db, incident, 'firing');
  for (const sink of ['a', 'a', 'b']) await send(db, sink);
  await updateIncident(db, over, { endsAt: new Date(1) });
  for (const key of ['old', 'young', 'waiting']) {
    await requestNotification(db, {
      alert: 'DlqVolumeSpike',
      key,
      status: 'firing',
      summary: key,
      detail: {},
      requestedBy: 'test',
    });
  }
  const age = (days: number) => sql<Date>`now() - ${days} * interval '1 day'`;
  const taken = (key: string, days: number) =>
    db
      .updateTable('notification_requests')
      .set({ taken_at: age(days) })
      .where('alert_key', '=', key)
      .execute();
  await taken('old', 2);
  await taken('young', 0.5);
  await pruneNotifications(db, DAY_MS);
  const requests = await db
    .selectFrom('notification_requests')
    .select('alert_key')
    .orderBy('request_id')
    .execute();
  expect(requests.map((request) => request.alert_key)).toEqual(['young', 'waiting']);
  // All of them were settled a moment ago.
  expect(await db.selectFrom('notifications').selectAll().execute()).toHaveLength(4);

  await db
    .updateTable('notifications')
    .set({ settled_at: age(2) })
    .where('state', '=', 'sent')
    .execute();
  await pruneNotifications(db, DAY_MS);
  const kept = await db
    .selectFrom('notifications')
    .select(['incident_id', 'sink', 'state'])
    .orderBy('notification_id')
    .execute();
  // The incident that fires keeps all of it; of the other one only what still waits is left.
  expect(kept).toEqual([
    { incident_id: firing, sink: 'a', state: 'sent' },
    { incident_id: firing, sink: 'b', state: 'sent' },
    { incident_id: over, sink: 'b', state: 'waiting' },
  ]);
});
