import { REJECTION_CODES } from '@adtally/event-schema';
import { COMMIT_METRICS, LOOP_METRICS, REDIS_METRICS } from '@adtally/pipeline';
import { LATENCY_SECONDS, type Instruments, type MetricDefinitions } from '@adtally/telemetry';

/** Traffic and outcomes. After a drain: consumed = the sum of adtally_events_total. */
const EVENT_METRICS = {
  recordsConsumed: {
    name: 'adtally_records_consumed_total',
    kind: 'counter',
    help: 'Records whose disposition was committed.',
    labels: {},
  },
  gapOffsets: {
    name: 'adtally_gap_offsets_total',
    kind: 'counter',
    help: 'Offsets without a record that were committed as a gap: transaction markers, aborted or compacted records.',
    labels: {},
  },
  events: {
    name: 'adtally_events_total',
    kind: 'counter',
    help: 'Committed records by what became of them.',
    labels: { outcome: ['stored', 'duplicate', 'conflict', 'dead_lettered'] },
  },
  deadLetters: {
    name: 'adtally_dead_letters_total',
    kind: 'counter',
    help: 'Dead-lettered records by rejection code.',
    labels: { code: REJECTION_CODES },
  },
  misrouted: {
    name: 'adtally_misrouted_records_total',
    kind: 'counter',
    help: 'Records whose key is not their impression id, or that lie in another partition than murmur2 gives; stored all the same.',
    labels: {},
  },
  clockless: {
    name: 'adtally_clockless_records_total',
    kind: 'counter',
    help: 'Records whose timestamp is before 2015 or after 2099 (seconds or microseconds in place of milliseconds?); stored without the check for ids of the future.',
    labels: {},
  },
  unknownFields: {
    name: 'adtally_unknown_fields_total',
    kind: 'counter',
    help: 'Fields ignored because the contract does not know them.',
    labels: {},
  },
  batchRows: {
    name: 'adtally_batch_rows',
    kind: 'histogram',
    help: 'Records in a committed batch.',
    labels: {},
    buckets: [1, 10, 50, 100, 250, 500, 1000, 2000, 3000, 4000, 5000, 10_000, 20_000],
  },
  commitLatencySeconds: {
    name: 'adtally_append_to_commit_seconds',
    kind: 'histogram',
    help: "From the broker's append time of a batch's oldest record to its commit.",
    labels: {},
    buckets: LATENCY_SECONDS,
  },
} as const satisfies MetricDefinitions;

const BREAKER_METRICS = {
  breakerOpen: {
    name: 'adtally_breaker_open',
    kind: 'gauge',
    help: '1 while the rejection breaker of an owned partition slows it, else 0.',
    labels: { partition: 'open' },
  },
  breakerOpenings: {
    name: 'adtally_breaker_openings_total',
    kind: 'counter',
    help: 'Rejection breakers opened: by the share of rejected records, or forced by an operator.',
    labels: { cause: ['share', 'forced'] },
  },
} as const satisfies MetricDefinitions;

/** All that this service measures. */
export const METRICS = {
  ...EVENT_METRICS,
  ...COMMIT_METRICS,
  ...REDIS_METRICS,
  ...LOOP_METRICS,
  ...BREAKER_METRICS,
} as const satisfies MetricDefinitions;

export type IngestMetrics = Instruments<typeof METRICS>;
