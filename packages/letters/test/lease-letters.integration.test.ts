import { setTopicRules } from '@adtally/db';
import { DEFAULT_TOPIC_RULES } from '@adtally/event-schema';
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from 'vitest';
import { leaseLetters, type HeldLane, type LeaseRequest } from '../src/life/lease-letters.ts';
import { addLetters, standing, triesOf } from './letter-fixture.ts';
import { EVENTS_TOPIC, leaseOf, LetterStage } from './letter-stage.ts';

let stage: LetterStage;
beforeAll(async () => {
  stage = await LetterStage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

/** The ids of the letters a lease begins to try. */
async function leased(lanes: readonly HeldLane[], changes?: Partial<LeaseRequest>) {
  const letters = await leaseLetters(stage.session, leaseOf(lanes, changes));
  return letters.map(({ letterId }) => letterId);
}

const LARGE_BYTES = 32 * 1_024 * 1_024;
/** Of the empty headers each letter of the fixture has. */
const HEADER_BYTES = 2;

test('a lease begins and counts a try of each letter that is due, under the epoch of its lane', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const ids = [
    ...(await addLetters(db, { state: 'dead', lane: lane.lane })),
    ...(await addLetters(db, { state: 'pending', attemptsMax: 9, lane: lane.lane })),
  ];
  await db
    .updateTable('dead_letters')
    .set({ series: 3, append_ms: 1_700_000_000_123n })
    .where('letter_id', '=', BigInt(ids[1] ?? 0))
    .execute();
  const letters = await leaseLetters(session, leaseOf([lane]));
  expect(letters).toEqual([
    {
      letterId: ids[1],
      lane: lane.lane,
      series: 3,
      attempt: 2,
      attemptsMax: 5,
      topic: 'events',
      partition: 0,
      offset: expect.any(Number),
      appendMs: 1_700_000_000_123,
      acceptsFuture: false,
      rules: DEFAULT_TOPIC_RULES,
      key: Buffer.from('key'),
      value: Buffer.from('value'),
      headers: Buffer.from('[]'),
    },
  ]);
  expect(await standing(db, ids)).toMatchObject([
    { state: 'dead', attempts: 5, lease_epoch: null },
    { state: 'pending', attempts: 2, attempts_max: 5, is_due: false, lease_epoch: 1n },
  ]);
  expect(await triesOf(db, ids)).toMatchObject([
    { series: 3, attempt: 2, outcome: null, app_version: '1.2.3' },
  ]);
  expect(await leaseLetters(session, leaseOf([lane]))).toEqual([]);
});

test('a lease tells what is missing from what is empty, of keys and of values', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const records = [
    { key: null, value: null },
    { key: Buffer.alloc(0), value: Buffer.from('v') },
    { key: Buffer.from([0xff, 0]), value: Buffer.alloc(0) },
    { key: null, value: Buffer.from([0, 0xfe]) },
  ];
  const ids = await addLetters(db, { state: 'pending', lane: lane.lane, count: records.length });
  for (const [place, { key, value }] of records.entries())
    await db
      .updateTable('dead_letter_records')
      .set({ record_key: key, record_value: value })
      .where('letter_id', '=', BigInt(ids[place] ?? 0))
      .execute();
  const letters = await leaseLetters(session, leaseOf([lane]));
  expect(letters.map(({ key, value }) => ({ key, value }))).toEqual(records);
  expect(letters.map(({ headers }) => headers.toString())).toEqual(records.map(() => '[]'));
});

test('a lease tells by which rules its letters are read: those of their topic at that moment', async () => {
  const { db, session } = stage;
  const lane = await stage.holdLane();
  const by = { actor: 'ann', reason: 'test' };
  const change = { amountsAsStrings: true, futureToleranceMs: 5_000 };
  onTestFinished(async () => {
    await db.deleteFrom('topic_rules').execute();
  });
  await setTopicRules(db, by, EVENTS_TOPIC, change);
  await setTopicRules(db, by, 'others', { valueFormat: 'auto' });
  await addLetters(db, { state: 'pending', lane: lane.lane });
  expect(await leaseLetters(session, leaseOf([lane]))).toMatchObject([
    { rules: { ...DEFAULT_TOPIC_RULES, ...change } },
  ]);
});

test('the append time of a record that nobody knows is -1', async () => {
  const lane = await stage.holdLane();
  await addLetters(stage.db, { state: 'pending', lane: lane.lane });
  const [letter] = await leaseLetters(stage.session, leaseOf([lane]));
  expect(letter?.appendMs).toBe(-1);
});

test('what is not due, not of these lanes or not of this topic is left alone', async () => {
  const { db } = stage;
  const [lane, other] = [await stage.holdLane(), await stage.holdLane()];
  const of = { lane: lane.lane, state: 'pending' } as const;
  await addLetters(db, { ...of, dueInMs: 60_000 });
  await addLetters(db, { ...of, isLeased: true });
  await addLetters(db, { ...of, attempts: 5 });
  await addLetters(db, { ...of, hasBytes: false });
  await addLetters(db, { ...of, topic: 'another' });
  await addLetters(db, { ...of, lane: other.lane });
  for (const state of ['dead', 'resolved'] as const) await addLetters(db, { ...of, state });
  expect(await leased([lane])).toEqual([]);
  const [due] = await addLetters(db, of);
  expect(await leased([lane])).toEqual([due]);
});

test('an epoch older than the cursor of the lane leases nothing', async () => {
  const zombie = await stage.openSession();
  const theirs = await stage.holdLane(zombie);
  const ours = await stage.claimLane(theirs);
  const [id] = await addLetters(stage.db, { state: 'pending', lane: ours.lane });
  // Over a connection that no claim has ended: the epoch alone must do.
  expect(await leased([theirs])).toEqual([]);
  expect(await leased([{ ...ours, epoch: ours.epoch + 1 }])).toEqual([]);
  expect(await leased([ours])).toEqual([id]);
});

test('I6: attempts never pass the limit, be it the default or that of the code the letter failed with last', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const add = (attempts: number, lastCode: string) =>
    addLetters(db, { state: 'pending', attempts, attemptsMax: 9, lastCode, lane: lane.lane });
  const limits = { attemptsMax: 3, attemptsMaxByCode: new Map([['future', 7]]) };
  await add(3, 'wrong_type');
  await add(7, 'future');
  const [below] = await add(2, 'wrong_type');
  const [belowByCode] = await add(6, 'future');
  expect(await leased([lane], { limits })).toEqual([below, belowByCode]);
  expect(await standing(db, [below ?? '', belowByCode ?? ''])).toMatchObject([
    { attempts: 3, attempts_max: 3 },
    { attempts: 7, attempts_max: 7 },
  ]);
});

test('suspects are leased apart from the others, as few as asked for', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const of = { state: 'pending', lane: lane.lane } as const;
  const suspects = await addLetters(db, { ...of, count: 2, isSuspect: true, dueInMs: -1_000 });
  const others = await addLetters(db, { ...of, count: 2 });
  expect(await leased([lane], { suspects: true, limit: 1 })).toEqual([suspects[0]]);
  expect(await leased([lane])).toEqual(others);
  expect(await leased([lane], { suspects: true, limit: 1 })).toEqual([suspects[1]]);
});

test('a lease takes the oldest first over all its lanes', async () => {
  const { db } = stage;
  const lanes = [await stage.holdLane(), await stage.holdLane(), await stage.holdLane()];
  const ids: (string | undefined)[] = [];
  for (let n = 0; n < 6; n += 1) {
    const [id] = await addLetters(db, {
      state: 'pending',
      lane: lanes[n % 3]?.lane ?? -1,
      // The later it was added, the longer it has been due.
      dueInMs: -1_000 * n,
    });
    ids.push(id);
  }
  expect(await leased(lanes, { limit: 4 })).toEqual(ids.slice(2));
  expect(await leased(lanes, { limit: 4 })).toEqual(ids.slice(0, 2));
});

test('of one lane the oldest come first, however many are due', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const of = { state: 'pending', lane: lane.lane } as const;
  await addLetters(db, { ...of, count: 60 });
  const oldest = await addLetters(db, { ...of, count: 2, dueInMs: -60_000 });
  expect(await leased([lane], { limit: 2 })).toEqual(oldest);
});

test('each lane has its share of a lease, however much older the letters of another are', async () => {
  const { db } = stage;
  const lanes = [await stage.holdLane(), await stage.holdLane()] as const;
  const of = { state: 'pending', count: 130 } as const;
  await addLetters(db, { ...of, lane: lanes[0].lane, dueInMs: -60_000 });
  await addLetters(db, { ...of, lane: lanes[1].lane });
  const byLane = async (limit: number) => {
    const letters = await leaseLetters(stage.session, leaseOf(lanes, { limit }));
    return lanes.map(({ lane }) => letters.filter((letter) => letter.lane === lane).length);
  };
  expect(await byLane(120)).toEqual([60, 60]);
  // Fifty of each are looked at in any case; of these the oldest.
  expect(await byLane(40)).toEqual([40, 0]);
});

test('a lease holds 32 MiB at most: the letter that reaches it is the last', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const of = { state: 'pending', lane: lane.lane } as const;
  const [small] = await addLetters(db, { ...of, dueInMs: -3_000, valueBytes: 10 });
  const valueBytes = LARGE_BYTES - 10 - 2 * HEADER_BYTES;
  const [large] = await addLetters(db, { ...of, dueInMs: -2_000, valueBytes });
  const [next] = await addLetters(db, { ...of, dueInMs: -1_000 });
  expect(await leased([lane])).toEqual([small, large]);
  expect(await leased([lane])).toEqual([next]);
});

test('a letter that another session holds is passed over, and nobody waits for it', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { count: 3, state: 'pending', lane: lane.lane });
  const other = await stage.openSession();
  await other.query('BEGIN');
  await other.query('SELECT FROM dead_letters WHERE letter_id = $1 FOR UPDATE', [ids[1]]);
  expect(await leased([lane])).toEqual([ids[0], ids[2]]);
  await other.query('ROLLBACK');
  expect(await leased([lane])).toEqual([ids[1]]);
});

test('a letter discarded after the lease took its snapshot is not tried', async () => {
  const { db } = stage;
  const lane = await stage.holdLane();
  const ids = await addLetters(db, { count: 2, state: 'pending', lane: lane.lane });
  const letters = await stage.pausedAtSnapshot(
    (session) => leaseLetters(session, leaseOf([lane])),
    () =>
      db
        .updateTable('dead_letters')
        .set({ state: 'discarded', discarded_from: 'pending', next_attempt_at: null })
        .where('letter_id', '=', BigInt(ids[0] ?? 0))
        .execute(),
  );
  expect(letters.map(({ letterId }) => letterId)).toEqual([ids[1]]);
  expect(await standing(db, ids)).toMatchObject([
    { state: 'discarded', attempts: 1, lease_epoch: null },
    { state: 'pending', attempts: 2, lease_epoch: 1n },
  ]);
});

test('a lease that has not committed when its lane is claimed never does', async () => {
  const { db } = stage;
  const zombie = await stage.openSession();
  const theirs = await stage.holdLane(zombie);
  const ids = await addLetters(db, { state: 'pending', attempts: 0, lane: theirs.lane });
  await zombie.query('BEGIN');
  expect(await leaseLetters(zombie, leaseOf([theirs]))).toHaveLength(1);
  const ours = await stage.claimLane(theirs);
  await expect(zombie.query('COMMIT')).rejects.toBeInstanceOf(Error);
  expect(await triesOf(db, ids)).toEqual([]);
  expect(await leased([ours])).toEqual(ids);
  expect(await standing(db, ids)).toMatchObject([{ attempts: 1, lease_epoch: 2n }]);
});
