import type { Instruments, MetricDefinitions } from '@adtally/telemetry';

/** What the readers of a topic know of it, told by every process that confirms its batches. */
export const TOPIC_METRICS = {
  unconfirmedBatches: {
    name: 'adtally_unconfirmed_batches_total',
    kind: 'counter',
    help: 'Batches for which no broker said in time which topic it is by now: written without.',
    labels: {},
  },
} as const satisfies MetricDefinitions;

export type TopicMetrics = Instruments<typeof TOPIC_METRICS>;
