import { hostname } from 'node:os';
import {
  describeConfig,
  durationMs,
  int,
  loadEnv,
  text,
  url,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import { DATABASE_ENV } from '@adtally/db/env';
import type { LogicalTopic, Topic } from '@adtally/event-schema';
import type { KafkaSettings } from '@adtally/kafka';
import {
  KAFKA_ENV,
  KAFKA_RULES,
  kafkaSettings,
  TOPIC_CHECK_ENV,
  TOPICS_ENV,
  TOPICS_RULES,
  topicsOf,
} from '@adtally/kafka/env';
import { serviceEnv } from '@adtally/service';
import { alertLabels } from './alert-labels.ts';
import { SINK_ENV } from './notify/sinks.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Every variable of this app; the README's table is made from it. */
export const ENV = {
  ...DATABASE_ENV,
  ...TOPICS_ENV,
  deadRateThreshold: int('DEAD_RATE_THRESHOLD', {
    default: 5,
    min: 0,
    max: 100_000,
    meaning: 'fires above it ...',
  }),
  deadRateWindowMs: durationMs('DEAD_RATE_WINDOW_MS', {
    default: 60_000,
    min: 1,
    max: DAY_MS,
    meaning: '... within this time',
  }),
  incidentResolveMs: durationMs('INCIDENT_RESOLVE_MS', {
    default: 300_000,
    min: 1,
    max: DAY_MS,
    meaning: 'quiet that ends an incident',
  }),
  incidentUpdateMs: durationMs('INCIDENT_UPDATE_MS', {
    default: 60_000,
    min: 100,
    max: DAY_MS,
    meaning: 'at most one update in this time',
  }),
  incidentRepeatMs: durationMs('INCIDENT_REPEAT_MS', {
    default: 4 * HOUR_MS,
    min: 100,
    max: 30 * DAY_MS,
    meaning: 'reminder of one that stays open',
  }),
  copyMemoryMs: durationMs('DEAD_COPY_MEMORY_MS', {
    default: 7 * DAY_MS,
    min: 1_000,
    max: 365 * DAY_MS,
    meaning: 'for so long (append time) a second copy is known as one',
  }),
  alertEnv: text('ALERT_ENV', {
    default: 'default',
    maxLength: 100,
    meaning: 'label that tells installations apart',
  }),
  alertLabels: alertLabels(
    'ALERT_LABELS',
    'further labels of every notification, `team=ads,cluster=eu1`',
  ),
  runbookBaseUrl: url('RUNBOOK_BASE_URL', {
    schemes: ['https', 'http'],
    default: '',
    meaning: 'where runbooks lie, before `/DeadEventRateHigh.md`; without it no link is sent',
  }),
  ...SINK_ENV,
  sinkTimeoutMs: durationMs('SINK_TIMEOUT_MS', {
    default: 10_000,
    min: 100,
    max: 60_000,
    meaning: 'longest attempt',
  }),
  sinkRetryMs: durationMs('SINK_RETRY_MS', {
    default: 1_000,
    min: 10,
    max: HOUR_MS,
    meaning: 'pause after a failure, doubling, with jitter ...',
  }),
  sinkRetryMaxMs: durationMs('SINK_RETRY_MAX_MS', {
    default: 60_000,
    min: 10,
    max: DAY_MS,
    meaning: '... up to this',
  }),
  sinkRefusalsMax: int('SINK_REFUSALS_MAX', {
    default: 5,
    min: 1,
    max: 1_000,
    meaning: 'refusals (4xx) until a notification is given up ...',
  }),
  sinkRefusalsMs: durationMs('SINK_REFUSALS_MS', {
    default: HOUR_MS,
    min: 0,
    max: 7 * DAY_MS,
    meaning: '... and the age it must have: a sink that is being deployed refuses too',
  }),
  ...TOPIC_CHECK_ENV,
  ...serviceEnv(9466),
  ...KAFKA_ENV,
} as const;

type Declared = ConfigOf<typeof ENV>;

const RULES: readonly Rule<Declared>[] = [
  ...TOPICS_RULES,
  ...KAFKA_RULES,
  {
    of: ['sinkRetryMs', 'sinkRetryMaxMs'],
    problem: ({ sinkRetryMs, sinkRetryMaxMs }) =>
      sinkRetryMs > sinkRetryMaxMs
        ? 'SINK_RETRY_MS must not be more than SINK_RETRY_MAX_MS'
        : undefined,
  },
  {
    of: ['copyMemoryMs', 'deadRateWindowMs'],
    problem: ({ copyMemoryMs, deadRateWindowMs }) =>
      copyMemoryMs < deadRateWindowMs
        ? 'DEAD_COPY_MEMORY_MS must not be less than DEAD_RATE_WINDOW_MS'
        : undefined,
  },
];

export interface AlerterConfig extends Declared {
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in the lease and in logs. */
  readonly owner: string;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): AlerterConfig {
  const config = loadEnv(ENV, env, RULES);
  return Object.freeze({
    ...config,
    topics: topicsOf(config),
    kafka: kafkaSettings(config),
    owner: `${hostname()}/${process.pid}`,
  });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: AlerterConfig): Record<string, string> {
  return describeConfig(ENV, config);
}
