import { expect, test } from 'vitest';
import type { Commit } from '../live/latencies.ts';
import { courseOf, lagCurve, longestAbove } from './pauses.ts';

const PARTITIONS = 2;
const SECONDS = 10;

/** A record each 10 ms in each partition; committed every 100 ms, but for partition 1 from second 5 to second 7. */
function stream() {
  const times = Float64Array.from({ length: SECONDS * 100 }, (_, n) => n * 10);
  const commits: Commit[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    let first = 0;
    for (let atMs = 100; atMs <= SECONDS * 1_000; atMs += 100) {
      if (partition === 1 && atMs > 5_000 && atMs < 7_000) continue;
      const end = atMs / 10;
      commits.push({ partition, first, end, atMs });
      first = end;
    }
  }
  return { appended: [times, times], commits };
}

test('a pause of one partition is none of all, and its records wait and are the lag', () => {
  const { appended, commits } = stream();
  const lag = lagCurve(appended, commits);
  const course = courseOf(appended, commits, lag, { fromMs: 4_000, toMs: 9_000 });
  expect(course.pauseMs).toBe(100);
  expect(course.partitionPauseMs).toBe(2_000);
  expect(course.lagMs).toBe(2_000);
  expect(course.lagRecords).toBeGreaterThan(190);
  expect(course.lagRecords).toBeLessThan(230);
});

test('the steady state has its own pause and lag', () => {
  const { appended, commits } = stream();
  const lag = lagCurve(appended, commits);
  const course = courseOf(appended, commits, lag, { fromMs: 1_000, toMs: 4_000 });
  expect(course).toMatchObject({ pauseMs: 100, partitionPauseMs: 100, lagMs: 100 });
  expect(course.lagRecords).toBeLessThanOrEqual(24);
});

test('the time above a lag is that of its longest stretch, and ends with the commit that makes it good', () => {
  const { appended, commits } = stream();
  const lag = lagCurve(appended, commits);
  const above = longestAbove(lag, 24, { fromMs: 1_000, toMs: 10_000 });
  expect(above).toBeGreaterThan(1_700);
  expect(above).toBeLessThan(2_000);
  expect(longestAbove(lag, 1_000, { fromMs: 1_000, toMs: 10_000 })).toBe(0);
});

test('a span in which nothing was committed is one pause', () => {
  const { appended, commits } = stream();
  const course = courseOf(appended, commits, [], { fromMs: 20_000, toMs: 21_000 });
  expect(course).toMatchObject({
    pauseMs: 1_000,
    partitionPauseMs: 1_000,
    lagRecords: 0,
    lagMs: 0,
  });
});
