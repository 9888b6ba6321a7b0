import { expect, test } from 'vitest';
import { TouchedBuckets } from './touched-buckets.ts';

test('asks for a TTL once, and again well before the TTL can have run out', () => {
  const touched = new TouchedBuckets(100); // forgets after 25 to 50 s
  expect(touched.touch(7, 1_000)).toBe(true);
  expect(touched.touch(7, 2_000)).toBe(false);
  expect(touched.touch(8, 2_000)).toBe(true);
  expect(touched.touch(7, 25_000)).toBe(false);
  expect(touched.touch(7, 51_100)).toBe(true);
});

test('a busy bucket is never remembered past half the TTL', () => {
  const touched = new TouchedBuckets(100);
  const asked: number[] = [];
  for (let nowMs = 0; nowMs < 1_000_000; nowMs += 1_000)
    if (touched.touch(7, nowMs)) asked.push(nowMs);
  const pauses = asked.slice(1).map((nowMs, index) => nowMs - (asked[index] ?? 0));
  expect(Math.max(...pauses)).toBeLessThanOrEqual(50_000);
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(25_000);
});

test('forgets everything on demand', () => {
  const touched = new TouchedBuckets(100);
  touched.touch(7, 1_000);
  touched.forgetAll();
  expect(touched.touch(7, 1_001)).toBe(true);
});
