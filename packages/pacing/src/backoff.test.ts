import { expect, test } from 'vitest';
import { Abandoned, Backoff, backoffMs } from './backoff.ts';

test.each([
  ['no failure yet: as after the first', 0, 100],
  ['the first', 1, 100],
  ['the third', 3, 400],
  ['the last that grows', 6, 3_200],
  ['past the last', 7, 5_000],
  ['failing for a year', 1_000_000, 5_000],
])('%s: between half and all of the wait', (_what, failures, fullMs) => {
  const waits = Array.from({ length: 200 }, () => backoffMs(failures, 100, 5_000));
  expect(Math.min(...waits)).toBeGreaterThanOrEqual(fullMs / 2);
  expect(Math.max(...waits)).toBeLessThanOrEqual(fullMs);
  // What fails together does not come back together.
  expect(new Set(waits).size).toBeGreaterThan(100);
});

test('a wait of nothing stays nothing', () => {
  expect(backoffMs(1_000_000, 0, 5_000)).toBe(0);
});

test('counts its waits, and gives up when the signal fires, also in the middle of one', async () => {
  const stopping = new AbortController();
  const backoff = new Backoff(1, 60_000);
  await backoff.wait(stopping.signal, 'trying');
  await backoff.wait(stopping.signal, 'trying');
  expect(backoff.attempts).toBe(2);
  const slow = new Backoff(60_000, 60_000);
  const waiting = slow.wait(stopping.signal, 'trying');
  stopping.abort();
  await expect(waiting).rejects.toThrow(new Abandoned('trying'));
  await expect(slow.wait(stopping.signal, 'trying')).rejects.toThrow(Abandoned);
  expect(slow.attempts).toBe(1);
});
