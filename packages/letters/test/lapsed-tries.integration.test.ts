import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { endLapsedTries, leaseLetters } from '../src/life/lease-letters.ts';
import { addLetters, standing, triesOf } from './letter-fixture.ts';
import { EVENTS_TOPIC, leaseOf, LetterStage } from './letter-stage.ts';

let stage: LetterStage;
beforeAll(async () => {
  stage = await LetterStage.open();
});
afterEach(() => stage.clear());
afterAll(() => stage.close());

test('tries begun under an older epoch end at once: they count, and their letters are due again, as suspects', async () => {
  const { db, session } = stage;
  const before = await stage.holdLane();
  const ids = await addLetters(db, { count: 2, state: 'pending', lane: before.lane });
  const [waiting] = await addLetters(db, { state: 'pending', dueInMs: 60_000, lane: before.lane });
  await leaseLetters(session, leaseOf([before]));
  const after = await stage.claimLane(before);
  expect(await endLapsedTries(session, EVENTS_TOPIC, [after])).toBe(2);
  expect(await standing(db, [...ids, waiting ?? ''])).toMatchObject([
    { attempts: 2, is_due: true, lease_epoch: null, is_suspect: true, is_exhausted: false },
    { attempts: 2, is_due: true, lease_epoch: null, is_suspect: true, is_exhausted: false },
    { attempts: 1, is_due: true, lease_epoch: null, is_suspect: false },
  ]);
  expect(await triesOf(db, ids)).toMatchObject([
    { attempt: 2, outcome: 'lapsed' },
    { attempt: 2, outcome: 'lapsed' },
  ]);
  const again = await leaseLetters(session, leaseOf([after], { suspects: true }));
  expect(again.map(({ letterId }) => letterId)).toEqual(ids);
  expect(await endLapsedTries(session, EVENTS_TOPIC, [after])).toBe(0);
});

test('tries of the very epoch, of other lanes and of other topics go on', async () => {
  const { db, session } = stage;
  const [lane, other] = [await stage.holdLane(), await stage.holdLane()];
  const ids = [
    ...(await addLetters(db, { state: 'pending', lane: lane.lane })),
    ...(await addLetters(db, { state: 'pending', lane: other.lane })),
  ];
  await leaseLetters(session, leaseOf([lane, other]));
  const [foreign] = await addLetters(db, {
    state: 'pending',
    topic: 'another',
    isLeased: true,
    lane: lane.lane,
  });
  const before = await standing(db, [...ids, foreign ?? '']);
  expect(await endLapsedTries(session, EVENTS_TOPIC, [lane])).toBe(0);
  const claimed = await stage.claimLane(lane);
  expect(await endLapsedTries(session, EVENTS_TOPIC, [claimed])).toBe(1);
  expect((await standing(db, [...ids, foreign ?? ''])).slice(1)).toEqual(before.slice(1));
});

test('I6: a letter that kills every process that tries it is exhausted after just so many tries', async () => {
  const { db, session } = stage;
  let lane = await stage.holdLane();
  const limits = { attemptsMax: 3, attemptsMaxByCode: new Map<string, number>() };
  const ids = await addLetters(db, {
    state: 'pending',
    attempts: 0,
    message: 'as it failed first',
    lane: lane.lane,
  });
  const [id] = ids;
  let tries = 0;
  for (let round = 0; round < 5; round += 1) {
    for (const suspects of [false, true]) {
      tries += (await leaseLetters(session, leaseOf([lane], { suspects, limits }))).length;
    }
    lane = await stage.claimLane(lane);
    await endLapsedTries(session, EVENTS_TOPIC, [lane]);
    const { last_message: message } = await db
      .selectFrom('dead_letters')
      .select('last_message')
      .where('letter_id', '=', BigInt(id ?? 0))
      .executeTakeFirstOrThrow();
    expect(message).toBe(tries < 3 ? 'as it failed first' : 'its last try did not come back');
  }
  expect(tries).toBe(3);
  expect(await standing(db, ids)).toMatchObject([
    { state: 'pending', attempts: 3, is_due: false, is_exhausted: true, lease_epoch: null },
  ]);
  expect((await triesOf(db, ids)).map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
    [1, 'lapsed'],
    [2, 'lapsed'],
    [3, 'lapsed'],
  ]);
});
