import { migratedDatabase } from '@adtally/db/testing';
import { expect, test } from 'vitest';
import { earlierClockMs } from '../src/retention/earlier-clock.ts';

const YEAR_MS = 365 * 86_400_000;

test('a clock that was put forward drops nothing: the earlier of two counts', async () => {
  await using database = await migratedDatabase();
  const nowMs = Date.now();
  const ahead = await earlierClockMs(database.db, nowMs + YEAR_MS);
  expect(ahead).toBeLessThan(nowMs + YEAR_MS / 2);
  expect(ahead).toBeGreaterThan(nowMs - YEAR_MS / 2);
  expect(await earlierClockMs(database.db, nowMs - YEAR_MS)).toBe(nowMs - YEAR_MS);
});
