import { hostname } from 'node:os';
import type { AttemptLimits } from '@adtally/letters';
import { REDIS_URL_SCHEMES } from '@adtally/dedup';
import { resolveTopics, type LogicalTopic, type Topic } from '@adtally/event-schema';
import { kafkaSettingsFromEnv, type KafkaSettings } from '@adtally/kafka';
import {
  ConfigProblems,
  describeConfig,
  durationMs,
  int,
  loadEnv,
  oneOf,
  text,
  url,
  type ConfigOf,
  type Env,
} from '@adtally/config';
import { WRITER_ENV } from '@adtally/db';
import { DEDUP_ENV } from '@adtally/dedup';
import { RECORD_ENV } from '@adtally/pipeline/env';
import { adminPort, SERVICE_ENV } from '@adtally/service';
import { ATTEMPTS_MAX, parseAttemptsByCode } from './attempt-limits.ts';

const HOUR_MS = 3_600_000;

/** Every variable of this app; its README's table is this list in words. */
const SCHEMA = {
  ...SERVICE_ENV,
  adminPort: adminPort(9465),
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  redisUrl: url('REDIS_URL', { schemes: REDIS_URL_SCHEMES, default: '' }),
  group: text('REPROCESSOR_GROUP', { default: 'adtally-reprocessor', maxLength: 200 }),
  groupProtocol: oneOf('GROUP_PROTOCOL', ['consumer', 'classic'], { default: 'consumer' }),
  retryIntervalMs: durationMs('RETRY_INTERVAL_MS', {
    default: 30_000,
    min: 100,
    max: 24 * HOUR_MS,
  }),
  retryBatchMax: int('RETRY_BATCH_MAX', { default: 500, min: 1, max: 10_000 }),
  retriesPerSecond: int('RETRIES_PER_SECOND', { default: 1_000, min: 1, max: 1_000_000 }),
  attemptsMax: int('MAX_ATTEMPTS', { default: 5, min: 1, max: ATTEMPTS_MAX }),
  attemptsMaxByCode: text('MAX_ATTEMPTS_BY_CODE', { default: '' }),
  backoffFirstMs: durationMs('RETRY_BACKOFF_FIRST_MS', {
    default: 30_000,
    min: 1,
    max: 24 * HOUR_MS,
  }),
  backoffLastMs: durationMs('RETRY_BACKOFF_LAST_MS', {
    default: HOUR_MS,
    min: 1,
    max: 720 * HOUR_MS,
  }),
  retentionDays: int('DEAD_LETTER_RETENTION_DAYS', { default: 30, min: 1, max: 36_500 }),
  spikePerMinute: int('DLQ_SPIKE_PER_MINUTE', { default: 100, min: 1, max: 1_000_000_000 }),
  spikeFactor: int('DLQ_SPIKE_FACTOR', { default: 5, min: 1, max: 1_000_000 }),
  ...RECORD_ENV,
  ...DEDUP_ENV,
  ...WRITER_ENV,
  transientAttempts: int('TRANSIENT_ATTEMPTS', { default: 2, min: 1, max: 1_000 }),
  transientBudgetMs: durationMs('TRANSIENT_BUDGET_MS', {
    default: 10_000,
    min: 0,
    max: HOUR_MS,
  }),
  topicCheckMs: durationMs('TOPIC_CHECK_MS', { default: 5_000, min: 100, max: 600_000 }),
} as const;

export interface ReprocessorConfig extends Omit<ConfigOf<typeof SCHEMA>, 'attemptsMaxByCode'> {
  readonly limits: AttemptLimits;
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in cursors and logs. */
  readonly owner: string;
  /** For OTEL_*: the telemetry package reads them itself. */
  readonly env: Env;
  /** As written, to be shown. */
  readonly attemptsMaxByCode: string;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): ReprocessorConfig {
  const problems = new ConfigProblems();
  const config = problems.collect(() => loadEnv(SCHEMA, env, crossCheck));
  const topics = problems.collect(() => resolveTopics(env));
  const kafka = kafkaSettingsFromEnv(env);
  if ('problems' in kafka) problems.add(kafka.problems);
  const byCode = parseAttemptsByCode(env['MAX_ATTEMPTS_BY_CODE'] ?? '');
  if (Array.isArray(byCode)) problems.add(byCode);
  if (config === null || topics === null || 'problems' in kafka || Array.isArray(byCode)) {
    throw problems.error();
  }
  const owner = `${hostname()}/${process.pid}`;
  const limits = {
    attemptsMax: config.attemptsMax,
    attemptsMaxByCode: byCode as AttemptLimits['attemptsMaxByCode'],
  };
  return Object.freeze({ ...config, limits, topics, kafka: kafka.settings, owner, env });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: ReprocessorConfig): Record<string, string> {
  return {
    KAFKA_BROKERS: config.kafka.brokers,
    EVENTS_TOPIC: config.topics.events.name,
    DLQ_TOPIC: config.topics.dlq.name,
    DEAD_TOPIC: config.topics.dead.name,
    ...describeConfig(SCHEMA, config),
  };
}

function crossCheck(config: ConfigOf<typeof SCHEMA>): string[] {
  const problems: string[] = [];
  const below = (
    [small, smallMs]: readonly [string, number],
    [large, largeMs]: readonly [string, number],
  ): void => {
    if (smallMs > largeMs)
      problems.push(`${small} (${smallMs}) must not exceed ${large} (${largeMs})`);
  };
  below(
    ['LOCK_TIMEOUT_MS', config.lockTimeoutMs],
    ['STATEMENT_TIMEOUT_MS', config.statementTimeoutMs],
  );
  below(
    ['RETRY_BACKOFF_FIRST_MS', config.backoffFirstMs],
    ['RETRY_BACKOFF_LAST_MS', config.backoffLastMs],
  );
  return problems;
}
