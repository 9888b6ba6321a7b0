import { expect, test } from 'vitest';
import { acknowledgeIncident } from '../src/acknowledge-incident.ts';
import { insertIncident, listIncidents, updateIncident } from '../src/incidents.ts';
import { renewAlerterLease, takeAlerterLease } from '../src/lease.ts';
import {
  claimNotification,
  insertNotifications,
  outboxBacklog,
  settleNotification,
} from '../src/outbox.ts';
import { advanceDeadTopic, placeDeadTopicPosition } from '../src/positions.ts';
import { openDatabase } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';

const STALE_MS = 60_000;

const INCIDENT = {
  alert: 'DlqVolumeSpike',
  key: 'ad-events/3',
  startsAt: new Date(0),
  summary: 'many',
  detail: {},
};

test('an incident is acknowledged once, with a reason that stays, and only while it fires', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const { incidentId } = await insertIncident(db, INCIDENT);
  const request = { incidentId, actor: 'someone', reason: 'on it' };
  await expect(acknowledgeIncident(db, { ...request, reason: ' ' })).rejects.toThrow('reason');
  expect(await acknowledgeIncident(db, { ...request, incidentId: 99n })).toEqual({
    outcome: 'unknown-incident',
  });
  expect(await acknowledgeIncident(db, request)).toEqual({ outcome: 'acknowledged' });
  expect(await acknowledgeIncident(db, { ...request, actor: 'another' })).toEqual({
    outcome: 'already-acknowledged',
    by: 'someone',
  });
  const actions = await db
    .selectFrom('operator_actions')
    .select(['actor', 'action', 'reason', 'detail'])
    .execute();
  expect(actions).toEqual([
    {
      actor: 'someone',
      action: 'acknowledge-incident',
      reason: 'on it',
      detail: { incident_id: 1, alert: 'DlqVolumeSpike', key: 'ad-events/3' },
    },
  ]);
  await updateIncident(db, incidentId, { endsAt: new Date(1) });
  expect(await acknowledgeIncident(db, request)).toEqual({ outcome: 'not-firing' });
});

test('incidents are listed newest first, by status and alert', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await insertIncident(db, { ...INCIDENT, endsAt: new Date(1) });
  await insertIncident(db, INCIDENT);
  await insertIncident(db, { ...INCIDENT, alert: 'Other' });
  const ids = async (options?: Parameters<typeof listIncidents>[1]) =>
    (await listIncidents(db, options)).map(({ incidentId }) => Number(incidentId));
  expect(await ids()).toEqual([3, 2, 1]);
  expect(await ids({ status: 'firing' })).toEqual([3, 2]);
  expect(await ids({ status: 'firing', alert: 'Other' })).toEqual([3]);
  expect(await ids({ limit: 1 })).toEqual([3]);
  await expect(insertIncident(db, INCIDENT)).rejects.toThrow('incidents_one_open');
});

test('one session is active; it is ended once it has not renewed for long enough, and not before', async () => {
  await using database = await migratedDatabase();
  const open = (name: string) =>
    openDatabase(database.url, { applicationName: name, maxConnections: 1 });
  const [one, other] = [open('one'), open('other')];
  try {
    const epoch = await takeAlerterLease(one, { owner: 'one', topic: 't' }, STALE_MS);
    expect(epoch).toBe(1n);
    expect(await takeAlerterLease(other, { owner: 'other', topic: 't' }, STALE_MS)).toBeNull();
    expect(await renewAlerterLease(one, 1n)).toBeGreaterThan(0);
    // Anything is stale now: the holder's session is ended, and the lock free for the next call.
    expect(await takeAlerterLease(other, { owner: 'other', topic: 't' }, -1_000)).toBeNull();
    expect(await takeAlerterLease(other, { owner: 'other', topic: 't' }, STALE_MS)).toBe(2n);
    // Its connection is gone, or the pool has another one already that holds no lock.
    expect(await renewAlerterLease(one, 1n).catch(() => null)).toBeNull();
  } finally {
    await one.destroy();
    await other.destroy();
  }
});

test('the outbox keeps the order of an incident, claims for the epoch alone, and lets stale updates go', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await db.updateTable('alerter_lease').set({ epoch: 5n }).execute();
  const { incidentId } = await insertIncident(db, INCIDENT);
  const add = (revision: number, kind: 'firing' | 'update' | 'resolved') =>
    insertNotifications(db, { incidentId, revision, kind, sinks: ['a', 'b'], message: {} });
  const kinds = async () =>
    (
      await db
        .selectFrom('notifications')
        .select(['sink', 'kind', 'state'])
        .orderBy('notification_id')
        .execute()
    ).map(({ sink, kind, state }) => `${sink} ${kind} ${state}`);
  await add(1, 'firing');
  await expect(add(1, 'firing')).rejects.toThrow('duplicate key');
  expect(await claimNotification(db, 'a', 4n)).toBeNull();
  const first = await claimNotification(db, 'a', 5n);
  expect(first).toMatchObject({ kind: 'firing', attempts: 1 });
  await settleNotification(db, first?.notificationId ?? 0n, { state: 'sent' });
  // Sink b has not taken the opening yet: an update of it would say the same.
  await add(2, 'update');
  await add(3, 'update');
  await add(4, 'resolved');
  expect(await kinds()).toEqual([
    'a firing sent',
    'b firing waiting',
    'a update superseded',
    'a update superseded',
    'a resolved waiting',
    'b resolved waiting',
  ]);
  const opening = await claimNotification(db, 'b', 5n);
  await settleNotification(db, opening?.notificationId ?? 0n, {
    state: 'waiting',
    error: 'HTTP 500',
    delayMs: 60_000,
    isRefusal: false,
  });
  // The resolution waits for its opening, however long that takes.
  expect(await claimNotification(db, 'b', 5n)).toBeNull();
  expect(await claimNotification(db, 'a', 5n)).toMatchObject({ kind: 'resolved' });
  expect(await outboxBacklog(db)).toMatchObject([
    { sink: 'a', waiting: 1 },
    { sink: 'b', waiting: 2 },
  ]);
});

test('a position moves only from where the batch assumed it', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await placeDeadTopicPosition(db, { topic: 't', topicId: 'id', partition: 0, nextOffset: 3 });
  const advance = (from: number, next: number) =>
    advanceDeadTopic(db, 'id', [{ partition: 0, from, next, lastAppendMs: 1 }]);
  await advance(3, 8);
  await expect(advance(3, 9)).rejects.toThrow('partition 0 is not at 3 any more');
  await advance(8, 9);
});
