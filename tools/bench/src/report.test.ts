import { expect, test } from 'vitest';
import type { DrainMeasurement } from './drain/measure-drain.ts';
import { drainReport, type Pair } from './report.ts';

const EVENTS = 1_000;
const choice = { chosen: 900, scanned: 950 };

function pair(
  drainSeconds: number,
  floorSeconds: number,
  over: Partial<DrainMeasurement> = {},
): Pair {
  return {
    drain: {
      events: EVENTS,
      seconds: drainSeconds,
      cpuUsPerEvent: { consumer: 8, postgres: 3, redis: 0.5, kafka: 0.25, total: 11.75 },
      walBytesPerEvent: 250,
      redisBytesPerEvent: 8,
      redisCommands: 10,
      peakRssBytes: 1_048_576,
      batch: {
        batches: 1,
        rows_per_batch: EVENTS,
        write_ms: 5,
        routed_fast: 900,
        routed_verified: 0,
        routed_unasked: 0,
        copy_fallbacks: 0,
        redis_failures: 0,
      },
      problems: [],
      window: { fromUs: 0, toUs: 1 },
      ...over,
    },
    floor: { seconds: floorSeconds, records: EVENTS, stored: 900, cpuSeconds: 0.005 },
  };
}

function report(pairs: readonly Pair[]) {
  const rowByRow = { records: 100, seconds: 2 };
  return drainReport({ events: EVENTS, seed: 7, pairs, rowByRow, choice });
}

test('the report has the fields that scripts read', () => {
  expect(report([pair(2, 1)])).toMatchObject({
    events: EVENTS,
    seed: 7,
    repeat: 1,
    seconds: 2,
    events_per_second: 500,
    floor_events_per_second: 1_000,
    floor_ratio: 0.5,
    row_by_row_events_per_second: 50,
    row_by_row_ratio: 10,
    cpu_us_per_event: { consumer: 8, postgres: 3, redis: 0.5, kafka: 0.25, total: 11.75 },
    floor_cpu_us_per_event: 5,
    wal_bytes_per_event: 250,
    rss_mb: 1,
    scanner_share: 0.95,
    exact: true,
    problems: [],
  });
});

test('ratios are made pair by pair: a machine that slows down for both changes none', () => {
  expect(report([pair(2, 1), pair(20, 10), pair(4, 2)])).toMatchObject({
    floor_ratio: 0.5,
    events_per_second: 250,
  });
});

test('one drain that is not exact makes the whole bench not exact', () => {
  const wrong = pair(2, 1, { problems: ['stored: expected 900, found 899'] });
  expect(report([pair(2, 1), wrong])).toMatchObject({
    exact: false,
    problems: ['stored: expected 900, found 899'],
  });
});

test('a phase that was left out has no figure', () => {
  const without = drainReport({
    events: EVENTS,
    seed: 7,
    pairs: [pair(2, 1)],
    rowByRow: null,
    choice,
  });
  expect(without).toMatchObject({ row_by_row_events_per_second: null, row_by_row_ratio: null });
});
