import { sql } from 'kysely';
import { expect, test } from 'vitest';
import type { Database } from '@adtally/db';
import { createRedrive, type RedriveOrder } from '../src/hand/create-redrive.ts';
import { discardLetters, restoreLetters } from '../src/hand/discard-letters.ts';
import { orderJob } from '../src/hand/redrive-control.ts';
import { listRedriveJobs, redriveJob, redriveReceipts } from '../src/hand/redrive-jobs.ts';
import { migratedDatabase } from '@adtally/db/testing';
import { actions, addLetters, passSeconds, standing } from './letter-fixture.ts';

const BY = { actor: 'ann', reason: 'the schema is deployed' };
const ORDER: RedriveOrder = { ...BY, filter: { states: ['dead'] }, ratePerSecond: 10 };

/** As the reprocessor does it each second. */
async function admit(db: Database): Promise<number> {
  const { rows } = await sql<{ admitted: number }>`SELECT admit_redrives() AS admitted`.execute(db);
  return rows[0]?.admitted ?? -1;
}

async function created(db: Database, order: RedriveOrder): Promise<string> {
  const ordered = await createRedrive(db, order);
  if (ordered.outcome !== 'created') throw new Error(JSON.stringify(ordered.outcome));
  return String(ordered.jobId);
}

test('a job freezes the letters that may be redriven, oldest first, and counts those that may not', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = await addLetters(db, { count: 3 });
  const pending = { ...ORDER, filter: { states: ['dead', 'pending'] as const } };
  await addLetters(db, { state: 'pending', isLeased: true });
  await addLetters(db, { hasBytes: false });
  await addLetters(db, { state: 'resolved' });
  const first = await createRedrive(db, { ...pending, limit: 2 });
  expect(first).toMatchObject({
    outcome: 'created',
    total: 2,
    candidates: { matched: 5, triedNow: 1, withoutBytes: 1, inAJob: 0, eligible: 3 },
  });
  await addLetters(db, { count: 4, fingerprint: 'later' });
  const job = first.outcome === 'created' ? String(first.jobId) : '';
  const receipts = await redriveReceipts(db, job, { after: 0, limit: 10 });
  expect(receipts.map(({ place, letterId }) => [place, String(letterId)])).toEqual([
    [1, ids[0]],
    [2, ids[1]],
  ]);
  const second = await createRedrive(db, pending);
  expect(second).toMatchObject({
    outcome: 'created',
    total: 5,
    candidates: { matched: 9, inAJob: 2, triedNow: 1, withoutBytes: 1, eligible: 5 },
  });
  expect(await createRedrive(db, pending)).toMatchObject({ outcome: 'nothing-to-redrive' });
  expect(await actions(db)).toMatchObject([
    { ...BY, action: 'redrive-letters', detail: { letters: 2, rate: 10, job_id: Number(job) } },
    { ...BY, action: 'redrive-letters', detail: { letters: 5, rate: 10 } },
  ]);
});

test('more than 1,000 letters need their number; a refused order leaves no job', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 1_001 });
  for (const confirm of [undefined, 1_000]) {
    const refused = await createRedrive(db, { ...ORDER, confirm });
    expect(refused).toMatchObject({ outcome: 'not-confirmed', total: 1_001 });
  }
  expect(await createRedrive(db, { ...ORDER, limit: 500, confirm: 1_001 })).toMatchObject({
    outcome: 'not-confirmed',
    total: 500,
  });
  expect([await listRedriveJobs(db, { limit: 9 }), await actions(db)]).toEqual([[], []]);
  expect(await createRedrive(db, { ...ORDER, confirm: 1_001 })).toMatchObject({ total: 1_001 });
});

test('of two operators at once each letter is in one job', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 200 });
  const orders = await Promise.all(
    Array.from({ length: 3 }, () => createRedrive(db, { ...ORDER, limit: 120 })),
  );
  const totals = orders.map((order) => (order.outcome === 'created' ? order.total : 0));
  expect(totals.toSorted((a, b) => b - a)).toEqual([120, 80, 0]);
});

test('letters have their turn at the rate of the job; time nobody called in is not caught up', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 200 });
  const job = await created(db, ORDER);
  await passSeconds(db, 2);
  expect(await admit(db)).toBeGreaterThanOrEqual(20);
  expect(await redriveJob(db, job)).toMatchObject({ state: 'running', total: 200 });
  await passSeconds(db, 3_600);
  expect((await redriveJob(db, job))?.behindSeconds).toBeGreaterThan(3_000);
  // Five seconds' worth, not an hour's.
  expect(await admit(db)).toBe(50);
  expect(await admit(db)).toBeLessThan(10);
  expect((await redriveJob(db, job))?.behindSeconds).toBe(0);
});

test('a job can be paused, goes on from there at its rate, and cancelled leaves the rest alone', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = await addLetters(db, { count: 100 });
  const job = await created(db, ORDER);
  await passSeconds(db, 2);
  const admitted = await admit(db);
  expect(await orderJob(db, BY, job, 'resume')).toEqual({
    outcome: 'wrong-state',
    state: 'running',
  });
  expect(await orderJob(db, BY, job, 'pause')).toMatchObject({ outcome: 'done', state: 'paused' });
  await passSeconds(db, 60);
  expect(await admit(db)).toBe(0);
  expect(await orderJob(db, BY, job, 'pause')).toEqual({ outcome: 'wrong-state', state: 'paused' });
  expect(await orderJob(db, BY, job, 'resume')).toMatchObject({ state: 'running' });
  // The minute of the pause does not count.
  expect(await admit(db)).toBeLessThan(10);
  await passSeconds(db, 1);
  const more = await admit(db);
  expect(more).toBeGreaterThanOrEqual(10);
  const { waiting } = (await redriveJob(db, job)) ?? { waiting: -1 };
  expect(waiting).toBeGreaterThan(0);
  expect(await orderJob(db, BY, job, 'cancel')).toEqual({
    outcome: 'done',
    state: 'cancelled',
    skipped: waiting,
  });
  await passSeconds(db, 60);
  expect(await admit(db)).toBe(0);
  const states = (await standing(db, ids)).map((row) => `${row['state']} ${row['series']}`);
  expect(states.filter((state) => state === 'dead 1').length).toBe(waiting);
  expect(states.filter((state) => state === 'pending 2').length).toBe(100 - waiting);
  expect(await redriveJob(db, job)).toMatchObject({ trying: 100 - waiting, skipped: waiting });
  expect(admitted).toBeGreaterThanOrEqual(20);
  expect(await orderJob(db, BY, job, 'resume')).toEqual({
    outcome: 'wrong-state',
    state: 'cancelled',
  });
  expect(await orderJob(db, BY, '99', 'cancel')).toEqual({ outcome: 'unknown-job' });
  expect((await actions(db)).map(({ action }) => action)).toEqual([
    'redrive-letters',
    'pause-redrive',
    'resume-redrive',
    'cancel-redrive',
  ]);
});

test('a letter discarded before its turn is left alone, also when it was restored by then; the job ends', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [one, two] = await addLetters(db, { count: 2 });
  const job = await created(db, { ...ORDER, ratePerSecond: 1_000 });
  await discardLetters(db, { ...BY, filter: { states: ['dead'] } });
  await restoreLetters(db, { ...BY, filter: { letterIds: [two ?? ''], states: ['discarded'] } });
  await passSeconds(db, 1);
  expect(await admit(db)).toBe(0);
  expect((await standing(db, [one ?? '', two ?? ''])).map((row) => row['state'])).toEqual([
    'discarded',
    'dead',
  ]);
  expect(await redriveJob(db, job)).toMatchObject({ state: 'done', skipped: 2 });
});

test('letters make way for an operator at work, and have their turn afterwards', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 5 });
  await created(db, { ...ORDER, ratePerSecond: 1_000 });
  await passSeconds(db, 1);
  await db.transaction().execute(async (trx) => {
    await sql`SELECT pg_advisory_xact_lock(4701, 6)`.execute(trx);
    expect(await admit(db)).toBe(0);
  });
  expect(await admit(db)).toBe(5);
});
