import { expect, test } from 'vitest';
import { type Commit, latenciesOf } from './latencies.ts';

/** One record each millisecond for `seconds`; committed in groups of 100 after a wait that `waitOf` tells. */
function stream(seconds: number, waitOf: (ms: number) => number) {
  const times = Float64Array.from({ length: seconds * 1_000 }, (_, ms) => ms);
  const commits: Commit[] = [];
  for (let first = 0; first < times.length; first += 100)
    commits.push({ partition: 0, first, end: first + 100, atMs: first + 100 + waitOf(first) });
  return [[times], commits] as const;
}

test('each record waits from its append to the commit that counts it', () => {
  const [times, commits] = stream(10, (ms) => (ms === 5_000 ? 1_000 : 0));
  const { p50Ms, maxMs, rate } = latenciesOf(times, commits, 0, 10_000);
  expect(p50Ms).toBeCloseTo(51, 0);
  expect(maxMs).toBe(1_100);
  expect(rate).toBe(1_000);
});

test('a lag that keeps still does not grow; one that takes a tenth more each second does', () => {
  const [times, steady] = stream(20, () => 500);
  expect(latenciesOf(times, steady, 1_000, 19_000).lagGrowth).toBeCloseTo(0, 2);
  const [same, falling] = stream(20, (ms) => ms / 9);
  expect(latenciesOf(same, falling, 1_000, 19_000).lagGrowth).toBeCloseTo(0.1, 2);
});

test('records appended before or after the span are no part of it', () => {
  const [times, commits] = stream(10, (ms) => (ms < 1_000 ? 5_000 : 0));
  expect(latenciesOf(times, commits, 1_000, 9_000).maxMs).toBeLessThan(150);
  expect(() => latenciesOf(times, commits, 20_000, 30_000)).toThrow(RangeError);
});
