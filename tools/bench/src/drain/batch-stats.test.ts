import { expect, test } from 'vitest';
import { batchStats, sampleSum } from './batch-stats.ts';

const METRICS = `# TYPE adtally_batch_rows histogram
adtally_batch_rows_count{app="ingest"} 4
adtally_batch_rows_sum{app="ingest"} 18000
adtally_batch_rows_bucket{app="ingest",le="+Inf"} 4
adtally_batch_write_duration_seconds_count 4
adtally_batch_write_duration_seconds_sum 0.1
adtally_routed_events_total{route="fast"} 17000
adtally_routed_events_total{route="verified"} 1e3
adtally_routed_events_total{route="unasked"} 500
adtally_redis_failures_total{operation="ask",kind="late"} 1 1700000000000
adtally_redis_failures_total{operation="mark",kind="late"} 2 1700000000000
`;

test('samples of one metric are added up, by label where asked', () => {
  expect(sampleSum(METRICS, 'adtally_redis_failures_total')).toBe(3);
  expect(sampleSum(METRICS, 'adtally_routed_events_total', 'route="verified"')).toBe(1_000);
  expect(sampleSum(METRICS, 'adtally_batch_rows')).toBe(0);
});

test('batches are counted and their means taken', () => {
  expect(batchStats(METRICS)).toEqual({
    batches: 4,
    rows_per_batch: 4_500,
    write_ms: 25,
    routed_fast: 17_000,
    routed_verified: 1_000,
    routed_unasked: 500,
    copy_fallbacks: 0,
    redis_failures: 3,
  });
});
