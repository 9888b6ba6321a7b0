import { hostname } from 'node:os';
import { REDIS_URL_SCHEMES } from '@adtally/dedup';
import { resolveTopics, type LogicalTopic, type Topic } from '@adtally/event-schema';
import { kafkaSettingsFromEnv, type KafkaSettings } from '@adtally/kafka';
import { parseStartAt, type StartAt } from '@adtally/pipeline';
import {
  bool,
  ConfigProblems,
  describeConfig,
  durationMs,
  int,
  loadEnv,
  oneOf,
  shareOrOff,
  text,
  url,
  type ConfigOf,
  type Env,
} from '@adtally/config';
import { WRITER_ENV } from '@adtally/db';
import { DEDUP_ENV } from '@adtally/dedup';
import { RECORD_ENV } from '@adtally/pipeline/env';
import { adminPort, SERVICE_ENV } from '@adtally/service';

/** Every variable of this app; the README's table is this list in words. */
const SCHEMA = {
  ...SERVICE_ENV,
  adminPort: adminPort(9464),
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  redisUrl: url('REDIS_URL', {
    schemes: REDIS_URL_SCHEMES,
    default: '',
  }),
  consumerGroup: text('CONSUMER_GROUP', { default: 'adtally-ingest', maxLength: 200 }),
  groupProtocol: oneOf('GROUP_PROTOCOL', ['consumer', 'classic'], { default: 'consumer' }),
  groupInstanceId: text('GROUP_INSTANCE_ID', { default: '', maxLength: 200 }),
  startAt: text('START_AT', { default: 'earliest', maxLength: 300 }),
  mayHaveGaps: bool('EVENTS_TOPIC_MAY_HAVE_GAPS', { default: false }),
  batchMaxEvents: int('BATCH_MAX_EVENTS', { default: 5_000, min: 1, max: 50_000 }),
  batchLingerMs: durationMs('BATCH_LINGER_MS', { default: 100, min: 0, max: 60_000 }),
  ...RECORD_ENV,
  ...DEDUP_ENV,
  ...WRITER_ENV,
  transientAttempts: int('TRANSIENT_ATTEMPTS', { default: 5, min: 1, max: 1_000 }),
  transientBudgetMs: durationMs('TRANSIENT_BUDGET_MS', { default: 60_000, min: 0, max: 3_600_000 }),
  breakerRejectedShare: shareOrOff('BREAKER_REJECTED_SHARE', { default: 0.5 }),
  breakerWindowRecords: int('BREAKER_WINDOW_RECORDS', { default: 1_000, min: 10, max: 100_000 }),
  breakerRecordsPerSecond: int('BREAKER_RECORDS_PER_SECOND', {
    default: 50,
    min: 1,
    max: 100_000,
  }),
  topicCheckMs: durationMs('TOPIC_CHECK_MS', { default: 5_000, min: 100, max: 600_000 }),
  topicPolicy: oneOf('TOPIC_POLICY', ['warn', 'refuse'], { default: 'warn' }),
  topicMinPartitions: int('TOPIC_MIN_PARTITIONS', { default: 12, min: 1, max: 10_000 }),
  topicMinReplication: int('TOPIC_MIN_REPLICATION', { default: 1, min: 1, max: 100 }),
} as const;

export interface IngestConfig extends Omit<ConfigOf<typeof SCHEMA>, 'startAt'> {
  readonly startAt: StartAt;
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in cursors and logs. */
  readonly owner: string;
  /** For OTEL_*: the telemetry package reads them itself. */
  readonly env: Env;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): IngestConfig {
  const problems = new ConfigProblems();
  const config = problems.collect(() => loadEnv(SCHEMA, env, crossCheck));
  const topics = problems.collect(() => resolveTopics(env));
  const kafka = kafkaSettingsFromEnv(env);
  if ('problems' in kafka) problems.add(kafka.problems);
  // Read apart from the others, so that it is named beside whatever else is wrong.
  const startAt = parseStartAt(env['START_AT'] || 'earliest');
  if (startAt === null) {
    problems.add(['START_AT: give earliest, group:<id> or an RFC 3339 time']);
  }
  if (config === null || topics === null || startAt === null || 'problems' in kafka) {
    throw problems.error();
  }
  const owner = `${hostname()}/${process.pid}`;
  return Object.freeze({ ...config, startAt, topics, kafka: kafka.settings, owner, env });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: IngestConfig): Record<string, string> {
  const { startAt } = config;
  const words =
    startAt.kind === 'log_start'
      ? 'earliest'
      : startAt.kind === 'group'
        ? `group:${startAt.groupId}`
        : new Date(startAt.timeMs).toISOString();
  return {
    KAFKA_BROKERS: config.kafka.brokers,
    EVENTS_TOPIC: config.topics.events.name,
    DLQ_TOPIC: config.topics.dlq.name,
    ...describeConfig(SCHEMA, { ...config, startAt: words }),
  };
}

function crossCheck(config: ConfigOf<typeof SCHEMA>): string[] {
  const problems: string[] = [];
  if (config.lockTimeoutMs >= config.statementTimeoutMs) {
    problems.push(
      `LOCK_TIMEOUT_MS (${config.lockTimeoutMs}) must be less than STATEMENT_TIMEOUT_MS (${config.statementTimeoutMs})`,
    );
  }
  return problems;
}
