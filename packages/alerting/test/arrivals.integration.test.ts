import { expect, test } from 'vitest';
import { migratedDatabase } from '@adtally/db/testing';
import {
  insertArrivals,
  pruneArrivals,
  takeArrivals,
  type ArrivedLetter,
} from '../src/arrivals.ts';

const TOPIC = 'dead';
const START_MS = Date.UTC(2026, 0, 1);

/** A letter named by its number, appended so many ms after the start. */
function letter(number: number, afterMs = number): ArrivedLetter {
  return {
    letter: `00000000-0000-8000-8000-${String(number).padStart(12, '0')}`,
    appendedMs: START_MS + afterMs,
    partition: 0,
    deadOffset: number,
    cause: 'wrong type, field price_micros',
    fingerprint: 'f'.repeat(16),
    source: 'edge-3',
    origin: 'events/0',
  };
}

test('each letter arrives once, with the append time of its first copy', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await insertArrivals(db, TOPIC, [letter(1), letter(2)])).toBe(2);
  expect(await insertArrivals(db, TOPIC, [letter(2, 500), letter(3)])).toBe(1);
  expect(await insertArrivals(db, 'another', [letter(1)])).toBe(1);
  const taken = await takeArrivals(db, TOPIC, START_MS + 1_000, 0);
  expect(taken).toEqual([1, 2, 3].map((number) => ({ ...letter(number), isFresh: true })));
});

test('what is evaluated is fresh once; a window sees its neighbours on both sides', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const take = async (throughMs: number, neighbours: number) =>
    (await takeArrivals(db, TOPIC, throughMs, neighbours)).map(({ deadOffset, isFresh }) =>
      isFresh ? deadOffset : -deadOffset,
    );
  await insertArrivals(
    db,
    TOPIC,
    [1, 2, 3, 7, 8, 9].map((number) => letter(number)),
  );
  expect(await take(START_MS + 3, 2)).toEqual([1, 2, 3]);
  expect(await take(START_MS + 3, 2)).toEqual([]);
  expect(await take(Number.POSITIVE_INFINITY, 2)).toEqual([-2, -3, 7, 8, 9]);
  await insertArrivals(db, TOPIC, [letter(5)]);
  expect(await take(Number.POSITIVE_INFINITY, 2)).toEqual([-2, -3, 5, -7, -8]);
  expect(await take(Number.NEGATIVE_INFINITY, 2)).toEqual([]);
});

test('letters far behind the newest are forgotten once they were evaluated', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await insertArrivals(db, TOPIC, [letter(1, 0), letter(2, 500), letter(3, 1_000)]);
  await takeArrivals(db, TOPIC, START_MS, 0);
  expect(await pruneArrivals(db, TOPIC, 600)).toBe(1);
  // The second one is old enough for this, and not evaluated yet.
  expect(await pruneArrivals(db, TOPIC, 100)).toBe(0);
  const left = await db.selectFrom('dead_letter_arrivals').select('dead_offset').execute();
  expect(left.map((row) => Number(row.dead_offset)).toSorted()).toEqual([2, 3]);
});
