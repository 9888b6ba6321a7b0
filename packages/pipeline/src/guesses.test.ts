import { EventBatch, ROUTE } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { Guesses } from './guesses.ts';

const ROUTES = [ROUTE.fast, ROUTE.verified, ROUTE.unasked];

function written({ duplicates = [] as number[], conflicts = [] as number[] } = {}) {
  const batch = new EventBatch(ROUTES.length);
  batch.route.set(ROUTES);
  const sets = { duplicates: new Set(duplicates), conflicts: new Set(conflicts) };
  return { batch, ...sets, rejected: [], count: () => undefined };
}

test('rows that nobody was asked for are taken for new until one was stored already', () => {
  const guesses = new Guesses();
  guesses.note(written({ duplicates: [0, 1], conflicts: [1] }));
  expect(guesses.trust).toBe('guesses');
  guesses.note(written({ duplicates: [1, 2] }));
  expect(guesses.trust).toBe('answers');
});

test('they are again after a thousand batches without such a one', () => {
  const guesses = new Guesses();
  guesses.note(written({ conflicts: [2] }));
  for (let batch = 1; batch < 1_000; batch += 1) guesses.note(written());
  expect(guesses.trust).toBe('answers');
  guesses.note(written({ duplicates: [2] }));
  for (let batch = 1; batch < 1_000; batch += 1) guesses.note(written());
  expect(guesses.trust).toBe('answers');
  guesses.note(written());
  expect(guesses.trust).toBe('guesses');
});
