import { TOPIC_METRICS } from '@adtally/kafka';
import type { Instruments, MetricDefinitions } from '@adtally/telemetry';
import { SINK_NAMES } from './notify/sinks.ts';

/** All that this service measures. All but the first are told by the active instance only. */
export const METRICS = {
  ...TOPIC_METRICS,
  alerterActive: {
    name: 'adtally_alerter_active',
    kind: 'gauge',
    help: '1 on the instance that reads the dead topic and sends, 0 on those that stand by.',
    labels: {},
  },
  alerterHeartbeatTimestampSeconds: {
    name: 'adtally_alerter_heartbeat_timestamp_seconds',
    kind: 'gauge',
    help: "Unix time, by PostgreSQL's clock, at which the dead topic was last looked at; 0 on an instance that stands by.",
    labels: {},
  },
  deadArrivals: {
    name: 'adtally_dead_arrivals_total',
    kind: 'counter',
    help: 'Records read from the dead topic: letters, and copies of letters that had come already.',
    labels: { kind: ['letter', 'copy'] },
  },
  notifications: {
    name: 'adtally_notifications_total',
    kind: 'counter',
    help: 'Attempts to tell people, by what became of them; failed is given up for good.',
    labels: { sink: SINK_NAMES, outcome: ['sent', 'retried', 'failed'] },
  },
} as const satisfies MetricDefinitions;

export type AlerterMetrics = Instruments<typeof METRICS>;
