import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createRedrive } from '../src/hand/create-redrive.ts';
import { admitRedrives } from '../src/life/admit-redrives.ts';
import { exhaustedLetters, markDead } from '../src/life/bury-letters.ts';
import { exhaustLetters } from '../src/life/lease-letters.ts';
import { addLetters, passSeconds, receiptsOf, standing } from './letter-fixture.ts';
import { EVENTS_TOPIC, LetterStage } from './letter-stage.ts';

let stage: LetterStage;
beforeAll(async () => {
  stage = await LetterStage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

const LARGE_BYTES = 32 * 1_024 * 1_024;
const HEADER_BYTES = 2;
/** Pending, with no try left. */
const EXHAUSTED = { state: 'pending', attempts: 5 } as const;

test('a letter that waits for a try its limit no longer allows is exhausted, by the code it failed with last', async () => {
  const { db, session } = stage;
  const [lane, other] = [await stage.holdLane(), await stage.holdLane()];
  const of = { state: 'pending', attempts: 3, lane: lane.lane } as const;
  const over = [
    ...(await addLetters(db, of)),
    ...(await addLetters(db, { ...of, code: 'future', lastCode: 'wrong_type', dueInMs: 60_000 })),
    ...(await addLetters(db, { ...of, attempts: 2, lastCode: 'expired' })),
  ];
  const left = [
    ...(await addLetters(db, { ...of, attempts: 2 })),
    ...(await addLetters(db, { ...of, lastCode: 'future' })),
    ...(await addLetters(db, { ...of, isLeased: true })),
    ...(await addLetters(db, { ...of, lane: other.lane })),
    ...(await addLetters(db, { ...of, topic: 'another' })),
    ...(await addLetters(db, { ...of, state: 'dead' })),
  ];
  const before = await standing(db, left);
  const byCode = new Map([
    ['future', 4],
    ['expired', 1],
  ]);
  const limits = { attemptsMax: 3, attemptsMaxByCode: byCode };
  await exhaustLetters(session, EVENTS_TOPIC, [lane], limits);
  expect(await standing(db, over)).toMatchObject([
    { is_exhausted: true, is_due: false, attempts: 3, attempts_max: 3 },
    { is_exhausted: true, is_due: false, attempts: 3, attempts_max: 3 },
    { is_exhausted: true, is_due: false, attempts: 2, attempts_max: 2 },
  ]);
  expect(await standing(db, left)).toEqual(before);
});

test('exhausted letters of these lanes come oldest first, whole, and no others', async () => {
  const { db, session } = stage;
  const [lane, other] = [await stage.holdLane(), await stage.holdLane()];
  await addLetters(db, { ...EXHAUSTED, topic: 'another', lane: lane.lane });
  await addLetters(db, { ...EXHAUSTED, hasBytes: false, lane: lane.lane });
  await addLetters(db, { state: 'pending', lane: lane.lane });
  await addLetters(db, { state: 'dead', lane: lane.lane });
  const [first] = await addLetters(db, {
    ...EXHAUSTED,
    code: 'future',
    lastCode: 'data_refused',
    message: 'refused',
    fingerprint: 'cause',
    partition: 7,
    lane: lane.lane,
  });
  const later = await addLetters(db, { ...EXHAUSTED, count: 3, lane: lane.lane });
  const letters = await exhaustedLetters(session, EVENTS_TOPIC, [lane], 3);
  expect(letters.map(({ letterId }) => letterId)).toEqual([first, ...later.slice(0, 2)]);
  expect(letters[0]).toEqual({
    letterId: first,
    series: 1,
    attempts: 5,
    topic: EVENTS_TOPIC,
    topicId: EVENTS_TOPIC,
    partition: 7,
    offset: 0,
    code: 'data_refused',
    field: '',
    message: 'refused',
    fingerprint: 'cause',
    key: Buffer.from('key'),
    value: Buffer.from('value'),
    headers: Buffer.from('[]'),
  });
  expect(await exhaustedLetters(session, EVENTS_TOPIC, [other], 3)).toEqual([]);
});

test('exhausted letters of 32 MiB at most are taken at once: the one that reaches it is the last', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const of = { ...EXHAUSTED, lane: lane.lane };
  const [small] = await addLetters(db, { ...of, valueBytes: 10 });
  const valueBytes = LARGE_BYTES - 10 - 2 * HEADER_BYTES;
  const [large] = await addLetters(db, { ...of, valueBytes });
  const [next] = await addLetters(db, of);
  const taken = await exhaustedLetters(session, EVENTS_TOPIC, [lane], 10);
  expect(taken.map(({ letterId }) => letterId)).toEqual([small, large]);
  await markDead(session, taken);
  const rest = await exhaustedLetters(session, EVENTS_TOPIC, [lane], 10);
  expect(rest.map(({ letterId }) => letterId)).toEqual([next]);
});

test('a letter the dead topic acknowledged is dead once, also when the acknowledgement is told again', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { ...EXHAUSTED, count: 2, lane: lane.lane });
  const [letter] = await exhaustedLetters(session, EVENTS_TOPIC, [lane], 1);
  const acked = [{ letterId: letter?.letterId ?? '', series: letter?.series ?? -1 }];
  const settledAt = () =>
    db.selectFrom('dead_letters').select('settled_at').orderBy('letter_id').execute();
  await markDead(session, acked);
  const first = await settledAt();
  expect(await standing(db, ids)).toMatchObject([
    { state: 'dead', is_exhausted: false, is_settled: true, attempts: 5 },
    { state: 'pending', is_exhausted: true, is_settled: false },
  ]);
  await markDead(session, acked);
  expect(await settledAt()).toEqual(first);
  await markDead(session, []);
  expect(await exhaustedLetters(session, EVENTS_TOPIC, [lane], 9)).toMatchObject([
    { letterId: ids[1] },
  ]);
});

test('an acknowledgement of a series that a redrive has ended meanwhile ends no other', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { ...EXHAUSTED, lane: lane.lane });
  const [acked] = await exhaustedLetters(session, EVENTS_TOPIC, [lane], 1);
  const job = await createRedrive(db, {
    actor: 'ann',
    reason: 'the schema is deployed',
    filter: { letterIds: ids },
    ratePerSecond: 10,
  });
  await passSeconds(db, 1);
  expect(await admitRedrives(session)).toBe(1);
  // The new series is exhausted as well.
  await db
    .updateTable('dead_letters')
    .set({ attempts: 5, is_exhausted: true, next_attempt_at: null })
    .execute();
  await markDead(session, [{ letterId: acked?.letterId ?? '', series: 1 }]);
  expect(await standing(db, ids)).toMatchObject([{ state: 'pending', series: 2 }]);
  const jobId = job.outcome === 'created' ? String(job.jobId) : '';
  expect(await receiptsOf(db, jobId)).toEqual([{ series: 2, outcome: null }]);
  await markDead(session, [{ letterId: acked?.letterId ?? '', series: 2 }]);
  expect(await standing(db, ids)).toMatchObject([{ state: 'dead', series: 2 }]);
  expect(await receiptsOf(db, jobId)).toEqual([{ series: 2, outcome: 'dead' }]);
});
