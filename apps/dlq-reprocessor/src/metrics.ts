import { COMMIT_METRICS, LOOP_METRICS, REDIS_METRICS } from '@adtally/pipeline';
import type { Instruments, MetricDefinitions } from '@adtally/telemetry';

/** Dead letters: copied, tried again, given up. */
const LETTER_METRICS = {
  lettersCopied: {
    name: 'adtally_letters_copied_total',
    kind: 'counter',
    help: 'Records taken from the DLQ topic: new letters, and further copies of one.',
    labels: { outcome: ['letter', 'copy'] },
  },
  retries: {
    name: 'adtally_retries_total',
    kind: 'counter',
    help: 'Ended tries of dead letters by outcome; a letter that failed is due again or given up.',
    labels: { outcome: ['stored', 'duplicate', 'conflict', 'failed'] },
  },
  lettersDead: {
    name: 'adtally_letters_dead_total',
    kind: 'counter',
    help: 'Letters given up to the dead topic, by the code they failed with last.',
    labels: { code: 'open' },
  },
  dlqArrivalsPerMinute: {
    name: 'adtally_dlq_arrivals_per_minute',
    kind: 'gauge',
    help: 'Records that reached the DLQ topic in the last minute, by the process that holds lane 0.',
    labels: {},
    startsAbsent: true,
  },
} as const satisfies MetricDefinitions;

/** All that this service measures. */
export const METRICS = {
  ...LETTER_METRICS,
  ...COMMIT_METRICS,
  ...REDIS_METRICS,
  ...LOOP_METRICS,
} as const satisfies MetricDefinitions;

export type ReprocessorMetrics = Instruments<typeof METRICS>;
