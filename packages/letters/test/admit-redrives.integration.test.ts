import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from '@adtally/db';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRedrive } from '../src/hand/create-redrive.ts';
import { orderJob } from '../src/hand/redrive-control.ts';
import { redriveJob } from '../src/hand/redrive-jobs.ts';
import { admitRedrives } from '../src/life/admit-redrives.ts';
import { leaseLetters } from '../src/life/lease-letters.ts';
import { addLetters, passSeconds, receiptsOf, standing, triesOf } from './letter-fixture.ts';
import { leaseOf, LetterStage } from './letter-stage.ts';

let stage: LetterStage;
beforeAll(async () => {
  stage = await LetterStage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const BY = { actor: 'ann', reason: 'the schema is deployed' };

/** A job over these letters that has had no time yet to let any in. */
async function jobOver(letterIds: readonly string[], ratePerSecond: number): Promise<string> {
  const ordered = await createRedrive(stage.db, { ...BY, filter: { letterIds }, ratePerSecond });
  if (ordered.outcome !== 'created') throw new Error(ordered.outcome);
  return String(ordered.jobId);
}

/** Since when the rate of a job counts, by the server's clock: set so many seconds back, then read. */
async function paceFrom(secondsAgo: number): Promise<void> {
  await sql`UPDATE redrive_jobs SET paced_from = clock_timestamp() - ${secondsAgo} * interval '1 second'`.execute(
    stage.db,
  );
}

async function pacedSeconds(jobId: string): Promise<number> {
  const { rows } = await sql<{ seconds: number }>`
    SELECT extract(epoch FROM clock_timestamp() - paced_from)::float8 AS seconds
    FROM redrive_jobs WHERE job_id = ${jobId}`.execute(stage.db);
  return rows[0]?.seconds ?? -1;
}

test('letters are let in as fast as the rate of their job allows, in the order of their places', async () => {
  const { db, session } = stage;
  const ids = await addLetters(db, { count: 200 });
  const jobs = [
    { jobId: await jobOver(ids.slice(0, 100), 10), rate: 10 },
    { jobId: await jobOver(ids.slice(100), 20), rate: 20 },
  ];
  let [admitted, opened] = [0, 0];
  for (const seconds of [0, 1, 3]) {
    await paceFrom(seconds);
    admitted += await admitRedrives(session);
    opened = 0;
    for (const { jobId, rate } of jobs) {
      const receipts = await receiptsOf(db, jobId);
      const waiting = receipts.findIndex(({ series }) => series === null);
      expect(receipts.slice(waiting).every(({ series }) => series === null)).toBe(true);
      expect(waiting).toBeGreaterThanOrEqual(seconds * rate);
      expect(waiting).toBeLessThanOrEqual((await pacedSeconds(jobId)) * rate);
      opened += waiting;
    }
    expect(admitted).toBe(opened);
  }
});

test('a letter that is let in begins a new series: due at once, no try counted, its tries before kept', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = [
    ...(await addLetters(db, { state: 'dead', isSuspect: true, lane: lane.lane })),
    ...(await addLetters(db, { state: 'pending', attempts: 5, lane: lane.lane })),
    ...(await addLetters(db, { state: 'pending', dueInMs: 60_000, lane: lane.lane })),
  ];
  await jobOver(ids, 10);
  await passSeconds(db, 1);
  expect(await admitRedrives(session)).toBe(3);
  const opened = { state: 'pending', series: 2, attempts: 0, is_due: true, is_exhausted: false };
  expect(await standing(db, ids)).toMatchObject([
    // A suspect stays one: it may still kill whoever tries it.
    { ...opened, is_suspect: true, is_settled: false },
    { ...opened, is_suspect: false },
    { ...opened, is_suspect: false },
  ]);
  expect(await leaseLetters(session, leaseOf([lane]))).toHaveLength(2);
  expect(await triesOf(db, ids)).toMatchObject([
    { series: 2, attempt: 1 },
    { series: 2, attempt: 1 },
  ]);
});

test('a letter that is tried, discarded, resolved or without bytes when its turn comes is skipped', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const [due] = await addLetters(db, { state: 'pending', lane: lane.lane });
  const [discarded, resolved, bare, dead] = await addLetters(db, { count: 4 });
  const ids = [due, discarded, resolved, bare, dead].map((id) => id ?? '');
  const job = await jobOver(ids, 10);
  await leaseLetters(session, leaseOf([lane]));
  await sql`UPDATE dead_letters SET state = 'discarded', discarded_from = 'dead'
            WHERE letter_id = ${discarded}`.execute(db);
  await sql`UPDATE dead_letters SET state = 'resolved', outcome = 'stored', event_key = gen_random_uuid()
            WHERE letter_id = ${resolved}`.execute(db);
  await sql`DELETE FROM dead_letter_records WHERE letter_id = ${bare}`.execute(db);
  const before = await standing(db, ids.slice(0, 4));
  await passSeconds(db, 1);
  expect(await admitRedrives(session)).toBe(1);
  expect(await standing(db, ids.slice(0, 4))).toEqual(before);
  const skipped = { series: null, outcome: 'skipped' };
  expect(await receiptsOf(db, job)).toEqual([
    skipped,
    skipped,
    skipped,
    skipped,
    { series: 2, outcome: null },
  ]);
  expect(await redriveJob(db, job)).toMatchObject({ state: 'running', skipped: 4 });
});

test('a job is done once every letter of it has ended, not while one is due again', async () => {
  const { db, session } = stage;
  const job = await jobOver(await addLetters(db, { count: 2 }), 10);
  const settle = (place: number, outcome: string) =>
    sql`UPDATE redrive_receipts SET outcome = ${outcome} WHERE place = ${place}`.execute(db);
  const state = async () => {
    await admitRedrives(session);
    return (await redriveJob(db, job))?.state;
  };
  await passSeconds(db, 1);
  expect(await state()).toBe('running');
  await settle(1, 'stored');
  expect(await state()).toBe('running');
  await settle(2, 'failed');
  expect(await state()).toBe('running');
  await settle(2, 'dead');
  expect(await state()).toBe('done');
});

test('a job that is paused or cancelled lets nothing in', async () => {
  const { db, session } = stage;
  const ids = await addLetters(db, { count: 2 });
  const jobs = [await jobOver(ids.slice(0, 1), 10), await jobOver(ids.slice(1), 10)] as const;
  await orderJob(db, BY, jobs[0], 'pause');
  await orderJob(db, BY, jobs[1], 'cancel');
  await passSeconds(db, 60);
  expect(await admitRedrives(session)).toBe(0);
  expect(await standing(db, ids)).toMatchObject([{ state: 'dead' }, { state: 'dead' }]);
});

test('of two processes at once one lets letters in, and each letter once', async () => {
  const { db, session } = stage;
  const ids = await addLetters(db, { count: 3 });
  await jobOver(ids, 10);
  await passSeconds(db, 1);
  const other = await stage.openSession();
  await other.query('BEGIN');
  expect(await admitRedrives(other)).toBe(3);
  expect(await admitRedrives(session)).toBe(0);
  await other.query('COMMIT');
  expect(await admitRedrives(session)).toBe(0);
  expect(await standing(db, ids)).toMatchObject(ids.map(() => ({ series: 2 })));
});

test('an operator at work is made way for: nobody waits, and the turns come afterwards', async () => {
  const { db, session } = stage;
  await jobOver(await addLetters(db, { count: 3 }), 10);
  await passSeconds(db, 1);
  const operator = await stage.openSession();
  await operator.query('BEGIN');
  await operator.query('SELECT pg_advisory_xact_lock($1, $2)', [
    ADVISORY_LOCK_CLASS,
    ADVISORY_LOCKS.letters,
  ]);
  expect(await admitRedrives(session)).toBe(0);
  await operator.query('COMMIT');
  expect(await admitRedrives(session)).toBe(3);
});
