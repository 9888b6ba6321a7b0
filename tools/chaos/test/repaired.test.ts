import { expect, test } from 'vitest';
import { repaired } from '../src/repaired.ts';

test('a repair that fails is tried again', async () => {
  let attempts = 0;
  await repaired(async () => {
    attempts += 1;
    if (attempts === 1) throw new Error('canceling statement due to lock timeout');
  });
  expect(attempts).toBe(2);
});
