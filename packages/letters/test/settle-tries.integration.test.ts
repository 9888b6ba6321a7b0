import { CopyEncoder, writeBatch, type WriterSession } from '@adtally/db';
import { asConsumer, batchOf, rangeOf } from '@adtally/db/testing';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRedrive } from '../src/hand/create-redrive.ts';
import { admitRedrives } from '../src/life/admit-redrives.ts';
import { endLapsedTries, leaseLetters, type HeldLane } from '../src/life/lease-letters.ts';
import { settleTries, type SettledTry } from '../src/life/settle-tries.ts';
import { addLetters, passSeconds, receiptsOf, standing, triesOf } from './letter-fixture.ts';
import { EVENTS_TOPIC, leaseOf, LetterStage } from './letter-stage.ts';

let stage: LetterStage;
const encoder = new CopyEncoder();
beforeAll(async () => {
  stage = await LetterStage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const STORED = ['stored', 'duplicate', 'conflict'] as const;
const FAILURE = {
  outcome: 'failed',
  code: 'future',
  field: 'occurred_at',
  message: 'later than it arrived',
  fingerprint: 'of the future',
  event: null,
} as const;

/** How a try at this position ended; stored unless the test says else. */
function ended(
  { lane, id, position = 0 }: { lane: HeldLane; id: string | undefined; position?: number },
  changes: Partial<SettledTry> = {},
): SettledTry {
  return {
    letterId: id ?? '',
    outcome: 'stored',
    code: '',
    field: '',
    message: '',
    fingerprint: '',
    againInMs: 60_000,
    event: {
      impressionId: Buffer.alloc(16, position),
      eventKey: Buffer.alloc(16, 0xa0 + position),
    },
    sourceId: lane.sourceId,
    position,
    ...changes,
  };
}

/** Letters of a redrive that has let them in, each with a try begun; and the job. */
async function leasedByJob(lane: HeldLane, count: number) {
  const { db, session } = stage;
  const ids = await addLetters(db, { count, state: 'dead', lane: lane.lane });
  const job = await createRedrive(db, {
    actor: 'ann',
    reason: 'the schema is deployed',
    filter: { letterIds: ids },
    ratePerSecond: 1_000,
  });
  await passSeconds(db, 1);
  await admitRedrives(session);
  await leaseLetters(session, leaseOf([lane]));
  return { ids, jobId: job.outcome === 'created' ? String(job.jobId) : '' };
}

/** As a commit of retries does it: the event at position 0 of the lane, and what became of its letter. */
function commitTry(writer: WriterSession, lane: HeldLane, settled: readonly SettledTry[]) {
  const batch = batchOf([
    { offset: 0, sourceId: lane.sourceId, identity: `event of ${lane.lane}` },
  ]);
  const ranges = [rangeOf({ sourceId: lane.sourceId, epoch: lane.epoch, first: 0, end: 1 })];
  const alongside = (session: WriterSession) => settleTries(session, settled);
  return writeBatch(writer, encoder, batch, ranges, asConsumer({ alongside }));
}

/** Events the lane has stored, and where its cursor stands. */
async function committed(lane: HeldLane) {
  const { rows } = await sql<{ events: number; position: number }>`
    SELECT (SELECT count(*)::int FROM events WHERE source_id = ${lane.sourceId}) AS events,
           (SELECT next_offset::int FROM cursors WHERE source_id = ${lane.sourceId}) AS position`.execute(
    stage.db,
  );
  return rows[0];
}

test('I6: a try that stored, met a copy or a conflict resolves its letter with the key, its try and its receipt', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const { ids, jobId } = await leasedByJob(lane, 3);
  const tries = STORED.map((outcome, position) =>
    ended({ lane, id: ids[position], position }, { outcome }),
  );
  await settleTries(session, tries);
  expect(await standing(db, ids)).toMatchObject(
    STORED.map(() => ({ state: 'resolved', attempts: 1, lease_epoch: null, is_settled: true })),
  );
  const letters = await db
    .selectFrom('dead_letters')
    .select(['outcome', 'impression_id', 'event_key', 'last_code'])
    .orderBy('letter_id')
    .execute();
  expect(letters).toEqual(
    STORED.map((outcome, position) => ({
      outcome,
      impression_id: expect.stringMatching(new RegExp(`^0${position}0${position}`)),
      event_key: expect.stringMatching(new RegExp(`^a${position}a${position}`)),
      last_code: 'wrong_type',
    })),
  );
  expect(await triesOf(db, ids)).toMatchObject(
    STORED.map((outcome, position) => ({
      outcome,
      code: null,
      message: null,
      source_id: lane.sourceId,
      source_offset: BigInt(position),
    })),
  );
  expect(await receiptsOf(db, jobId)).toEqual(STORED.map((outcome) => ({ series: 2, outcome })));
});

test('a try that failed makes its letter due again later, with what it failed with', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const { ids, jobId } = await leasedByJob(lane, 1);
  await settleTries(session, [ended({ lane, id: ids[0] }, FAILURE)]);
  expect(await standing(db, ids)).toMatchObject([
    { state: 'pending', attempts: 1, is_due: true, is_exhausted: false, lease_epoch: null },
  ]);
  const { rows } = await sql`
    SELECT l.code, last_code, last_field, last_message, fingerprint, l.outcome,
           round(extract(epoch FROM next_attempt_at - finished_at))::int AS again_in_s
    FROM dead_letters l JOIN dead_letter_attempts USING (letter_id)`.execute(db);
  expect(rows).toEqual([
    {
      code: 'wrong_type',
      last_code: 'future',
      last_field: 'occurred_at',
      last_message: 'later than it arrived',
      fingerprint: 'of the future',
      outcome: null,
      again_in_s: 60,
    },
  ]);
  expect(await triesOf(db, ids)).toMatchObject([
    { outcome: 'failed', code: 'future', message: 'later than it arrived' },
  ]);
  expect(await leaseLetters(session, leaseOf([lane]))).toEqual([]);
  expect(await receiptsOf(db, jobId)).toEqual([{ series: 2, outcome: 'failed' }]);
});

test('a receipt follows its letter until it is settled, and never after', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const { ids, jobId } = await leasedByJob(lane, 2);
  await settleTries(
    session,
    ids.map((id, position) => ended({ lane, id, position }, { ...FAILURE, againInMs: -1 })),
  );
  // As a discard leaves it, though the letter was restored since.
  await sql`UPDATE redrive_receipts SET outcome = 'skipped' WHERE place = 2`.execute(db);
  expect(await leaseLetters(session, leaseOf([lane]))).toHaveLength(2);
  await settleTries(
    session,
    ids.map((id, n) => ended({ lane, id, position: 2 + n })),
  );
  expect(await receiptsOf(db, jobId)).toEqual([
    { series: 2, outcome: 'stored' },
    { series: 2, outcome: 'skipped' },
  ]);
});

test('I6: the last try that fails exhausts its letter: it is not due again', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const of = { state: 'pending', lane: lane.lane } as const;
  const ids = [
    ...(await addLetters(db, { ...of, attempts: 3 })),
    ...(await addLetters(db, { ...of, attempts: 4 })),
  ];
  await leaseLetters(session, leaseOf([lane]));
  await settleTries(
    session,
    ids.map((id, position) => ended({ lane, id, position }, { ...FAILURE, againInMs: -1 })),
  );
  expect(await standing(db, ids)).toMatchObject([
    { attempts: 4, is_due: true, is_exhausted: false },
    { attempts: 5, is_due: false, is_exhausted: true },
  ]);
  expect(await leaseLetters(session, leaseOf([lane]))).toMatchObject([{ letterId: ids[0] }]);
});

test('a suspect whose try came back is one no longer', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { state: 'pending', isSuspect: true, lane: lane.lane });
  await leaseLetters(session, leaseOf([lane], { suspects: true }));
  await settleTries(session, [ended({ lane, id: ids[0] }, { ...FAILURE, againInMs: -1 })]);
  expect(await leaseLetters(session, leaseOf([lane]))).toMatchObject([{ letterId: ids[0] }]);
});

test('an event and the letter it resolves are one commit', async () => {
  const lane = await stage.holdLane();
  const ids = await addLetters(stage.db, { state: 'pending', lane: lane.lane });
  await leaseLetters(stage.session, leaseOf([lane]));
  await commitTry(stage.session, lane, [ended({ lane, id: ids[0] })]);
  expect(await committed(lane)).toEqual({ events: 1, position: 1 });
  expect(await standing(stage.db, ids)).toMatchObject([{ state: 'resolved' }]);
});

test('of a letter discarded while it was tried no event is stored: the whole commit is refused', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { count: 2, state: 'pending', lane: lane.lane });
  await leaseLetters(session, leaseOf([lane]));
  // No order of ours does this to a letter that is tried; a person at the database may.
  await sql`UPDATE dead_letters SET state = 'discarded', discarded_from = 'pending', lease_epoch = NULL
            WHERE letter_id = ${ids[1]}`.execute(db);
  const tries = ids.map((id, position) => ended({ lane, id, position }));
  await expect(commitTry(session, lane, tries)).rejects.toMatchObject({
    failure: { kind: 'fenced', sourceIds: [lane.sourceId] },
    cause: new Error('2 tries to settle, 1 letters were leased'),
  });
  expect(await committed(lane)).toEqual({ events: 0, position: 0 });
  expect(await standing(db, ids)).toMatchObject([
    { state: 'pending', lease_epoch: 1n },
    { state: 'discarded' },
  ]);
  expect(await triesOf(db, ids)).toMatchObject([{ outcome: null }, { outcome: null }]);
});

test('a zombie settles nothing: not a try that has lapsed, nor the try of the owner after it', async () => {
  const { db, session } = stage;
  const theirs = await stage.holdLane();
  const ids = await addLetters(db, { state: 'pending', lane: theirs.lane });
  await leaseLetters(session, leaseOf([theirs]));
  const ours = await stage.claimLane(theirs);
  await endLapsedTries(session, EVENTS_TOPIC, [ours]);
  // Over a connection that no claim has ended: letter and epoch alone must do.
  const zombie = await stage.openSession();
  const late = () => commitTry(zombie, theirs, [ended({ lane: theirs, id: ids[0] })]);
  await expect(late()).rejects.toMatchObject({
    cause: new Error('1 tries to settle, 0 letters were leased'),
  });
  await leaseLetters(session, leaseOf([ours], { suspects: true }));
  await expect(late()).rejects.toMatchObject({
    failure: { kind: 'fenced', sourceIds: [theirs.sourceId] },
  });
  expect(await committed(ours)).toEqual({ events: 0, position: 0 });
  expect(await standing(db, ids)).toMatchObject([{ state: 'pending', lease_epoch: 2n }]);
});
