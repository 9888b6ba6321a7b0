import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from '@adtally/db';
import { createRedrive } from '../src/hand/create-redrive.ts';
import { discardLetters, restoreLetters } from '../src/hand/discard-letters.ts';
import { expireLetterRecords } from '../src/life/expire-records.ts';
import { migratedDatabase } from '@adtally/db/testing';
import { actions, addLetters, standing } from './letter-fixture.ts';

const OPEN = { states: ['pending', 'dead'] } as const;
const DISCARDED = { states: ['discarded'] } as const;
const BY = { actor: 'ann', reason: 'test traffic' };

test('a discard ends letters that are not tried right now, is noted, and a restore brings each back as it was', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = [
    ...(await addLetters(db, { state: 'dead' })),
    ...(await addLetters(db, { state: 'pending', attempts: 2 })),
    ...(await addLetters(db, { state: 'pending', attempts: 5 })),
  ];
  const [leased] = await addLetters(db, { state: 'pending', isLeased: true });
  const [resolved] = await addLetters(db, { state: 'resolved' });
  const before = await standing(db, ids);
  const others = await standing(db, [leased ?? '', resolved ?? '']);

  const done = await discardLetters(db, { ...BY, filter: OPEN });
  expect(done).toMatchObject({ outcome: 'done', moved: 3, matched: 4 });
  const actionId = done.outcome === 'done' ? done.actionId : -1n;
  expect(await standing(db, ids)).toEqual(
    before.map((row) => ({
      ...row,
      state: 'discarded',
      is_due: false,
      is_exhausted: false,
      discarded_from: row['state'],
      discard_action: actionId,
    })),
  );
  expect(await standing(db, [leased ?? '', resolved ?? ''])).toEqual(others);

  expect(
    await restoreLetters(db, { ...BY, filter: { ...DISCARDED, discardAction: String(actionId) } }),
  ).toMatchObject({ outcome: 'done', moved: 3 });
  expect(await standing(db, ids)).toEqual(before);
  expect(await actions(db)).toEqual([
    { ...BY, action: 'discard-letters', detail: { filter: OPEN, letters: 3 } },
    {
      ...BY,
      action: 'restore-letters',
      detail: { filter: { ...DISCARDED, discardAction: String(actionId) }, letters: 3 },
    },
  ]);
});

test('a refused order changes nothing and is not noted', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = await addLetters(db, { count: 1_001 });
  const before = await standing(db, ids);
  const order = { ...BY, filter: OPEN };
  for (const confirm of [undefined, 1_000, 1_002]) {
    const refused = await discardLetters(db, { ...order, confirm });
    expect(refused).toEqual({ outcome: 'not-confirmed', moved: 1_001, matched: 1_001 });
  }
  expect(await restoreLetters(db, { ...BY, filter: DISCARDED })).toEqual({
    outcome: 'nothing-to-do',
    matched: 0,
  });
  await expect(discardLetters(db, { ...order, reason: ' ' })).rejects.toThrow('a reason');
  await expect(discardLetters(db, { ...order, actor: '' })).rejects.toThrow('an actor');
  expect(await standing(db, ids)).toEqual(before);
  expect(await actions(db)).toEqual([]);
  expect(await discardLetters(db, { ...order, confirm: 1_001 })).toMatchObject({ moved: 1_001 });
});

test('one discard can be undone without touching another', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const mine = await addLetters(db, { count: 2, fingerprint: 'mine' });
  const theirs = await addLetters(db, { count: 2, fingerprint: 'theirs' });
  const first = await discardLetters(db, { ...BY, filter: { ...OPEN, fingerprints: ['mine'] } });
  await discardLetters(db, { ...BY, filter: { ...OPEN, fingerprints: ['theirs'] } });
  const discardAction = first.outcome === 'done' ? String(first.actionId) : '';
  await restoreLetters(db, { ...BY, filter: { ...DISCARDED, discardAction } });
  expect((await standing(db, mine)).map((row) => row['state'])).toEqual(['dead', 'dead']);
  expect((await standing(db, theirs)).map((row) => row['state'])).toEqual([
    'discarded',
    'discarded',
  ]);
});

test('a discarded letter keeps its bytes as long as others after the discard; a pending one without bytes stays discarded', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const pending = await addLetters(db, { state: 'pending' });
  const dead = await addLetters(db, { state: 'dead' });
  await discardLetters(db, { ...BY, filter: OPEN });
  await sql`UPDATE dead_letter_records SET recorded_at = now() - interval '31 days'`.execute(db);
  expect(await expireLetterRecords(db, 30)).toBe(0);
  // A retention of no days has passed for both by now.
  expect(await expireLetterRecords(db, 0)).toBe(2);
  expect(await restoreLetters(db, { ...BY, filter: DISCARDED })).toMatchObject({
    moved: 1,
    matched: 2,
  });
  expect((await standing(db, [...pending, ...dead])).map((row) => row['state'])).toEqual([
    'discarded',
    'dead',
  ]);
});

test('letters somebody else works on are left out, and nobody waits for them', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const ids = await addLetters(db, { count: 3, state: 'pending' });
  const other = openDatabase(database.url, { applicationName: 'other', lockTimeoutMs: 1_000 });
  try {
    await other.transaction().execute(async (trx) => {
      // As a lease does it.
      await sql`UPDATE dead_letters SET lease_epoch = 1, next_attempt_at = NULL
                WHERE letter_id = ${ids[1]}::bigint`.execute(trx);
      expect(await discardLetters(db, { ...BY, filter: OPEN })).toMatchObject({
        moved: 2,
        matched: 3,
      });
    });
  } finally {
    await other.destroy();
  }
  expect((await standing(db, ids)).map((row) => row['state'])).toEqual([
    'discarded',
    'pending',
    'discarded',
  ]);
});

test('of orders given at once each letter obeys one', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db, { count: 300 });
  const order = { ...BY, filter: OPEN };
  const redrive = { ...order, ratePerSecond: 10 };
  const moved = await Promise.all([
    discardLetters(db, order),
    discardLetters(db, order),
    restoreLetters(db, { ...BY, filter: DISCARDED }),
    discardLetters(db, order),
    createRedrive(db, redrive),
    createRedrive(db, redrive),
  ]);
  const noted = moved.filter(({ outcome }) => outcome === 'done' || outcome === 'created');
  expect(noted.length).toBeGreaterThanOrEqual(1);
  expect((await actions(db)).length).toBe(noted.length);
  const { rows } = await sql<{ twice: number }>`
    SELECT count(*)::int AS twice FROM (
      SELECT letter_id FROM redrive_receipts WHERE outcome IS NULL GROUP BY letter_id HAVING count(*) > 1
    ) AS t`.execute(db);
  expect(rows).toEqual([{ twice: 0 }]);
});

test('what operators did can be neither changed nor removed', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await addLetters(db);
  await discardLetters(db, { ...BY, filter: OPEN });
  for (const change of [
    sql`UPDATE operator_actions SET actor = 'bob'`,
    sql`DELETE FROM operator_actions`,
    sql`TRUNCATE operator_actions CASCADE`,
  ]) {
    await expect(change.execute(db)).rejects.toThrow('operator_actions is append-only');
  }
});
