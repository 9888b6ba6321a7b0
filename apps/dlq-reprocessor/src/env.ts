import { hostname } from 'node:os';
import {
  describeConfig,
  durationMs,
  int,
  loadEnv,
  text,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import { DATABASE_ENV, WRITER_ENV } from '@adtally/db/env';
import { DEDUP_ENV } from '@adtally/dedup/env';
import type { LogicalTopic, Topic } from '@adtally/event-schema';
import type { KafkaSettings } from '@adtally/kafka';
import {
  GROUP_ENV,
  KAFKA_ENV,
  KAFKA_RULES,
  kafkaSettings,
  TOPIC_CHECK_ENV,
  TOPICS_ENV,
  TOPICS_RULES,
  topicsOf,
} from '@adtally/kafka/env';
import type { AttemptLimits } from '@adtally/letters';
import { RECORD_ENV, suspicionEnv } from '@adtally/pipeline/env';
import { SCHEMA_REGISTRY_ENV, SCHEMA_REGISTRY_RULES } from '@adtally/schema-registry/env';
import { serviceEnv } from '@adtally/service';
import { ATTEMPTS_MAX, attemptsMaxByCode } from './attempt-limits.ts';

const HOUR_MS = 3_600_000;

/** Every variable of this app; the README's table is made from it. */
export const ENV = {
  ...DATABASE_ENV,
  ...TOPICS_ENV,
  group: text('REPROCESSOR_GROUP', {
    default: 'adtally-reprocessor',
    maxLength: 200,
    meaning: 'consumer group of the DLQ topic',
  }),
  ...GROUP_ENV,
  retryIntervalMs: durationMs('RETRY_INTERVAL_MS', {
    default: 30_000,
    min: 100,
    max: 24 * HOUR_MS,
    meaning: 'pause between two sweeps over what is due',
  }),
  retryBatchMax: int('RETRY_BATCH_MAX', {
    default: 2_000,
    min: 1,
    max: 10_000,
    meaning: 'letters in one transaction',
  }),
  retriesPerSecond: int('RETRIES_PER_SECOND', {
    default: 1_000,
    min: 1,
    max: 1_000_000,
    meaning: 'bound of one process',
  }),
  attemptsMax: int('MAX_ATTEMPTS', {
    default: 5,
    min: 1,
    max: ATTEMPTS_MAX,
    meaning: 'tries of a series',
  }),
  attemptsMaxByCode: attemptsMaxByCode(
    'MAX_ATTEMPTS_BY_CODE',
    'e.g. `empty=1,invalid_utf8=1`: where no waiting can help',
  ),
  backoffFirstMs: durationMs('RETRY_BACKOFF_FIRST_MS', {
    default: 30_000,
    min: 1,
    max: 24 * HOUR_MS,
    meaning: "a letter's pause after a failed try, doubling, with jitter ...",
  }),
  backoffLastMs: durationMs('RETRY_BACKOFF_LAST_MS', {
    default: HOUR_MS,
    min: 1,
    max: 720 * HOUR_MS,
    meaning: '... up to this',
  }),
  retentionDays: int('DEAD_LETTER_RETENTION_DAYS', {
    default: 30,
    min: 1,
    max: 36_500,
    meaning: 'bytes of settled letters are dropped after that; hash, code and outcome stay',
  }),
  spikePerMinute: int('DLQ_SPIKE_PER_MINUTE', {
    default: 100,
    min: 1,
    max: 1_000_000_000,
    meaning: 'what a spike is: more arrivals than this in a minute ...',
  }),
  spikeFactor: int('DLQ_SPIKE_FACTOR', {
    default: 5,
    min: 1,
    max: 1_000_000,
    meaning: '... and more than this many times the average minute of the hour before',
  }),
  ...RECORD_ENV,
  ...DEDUP_ENV,
  ...WRITER_ENV,
  ...suspicionEnv({ attempts: 2, budgetMs: 10_000 }),
  ...TOPIC_CHECK_ENV,
  ...serviceEnv(9465),
  ...KAFKA_ENV,
  ...SCHEMA_REGISTRY_ENV,
} as const;

type Declared = ConfigOf<typeof ENV>;

const RULES: readonly Rule<Declared>[] = [
  ...TOPICS_RULES,
  ...KAFKA_RULES,
  ...SCHEMA_REGISTRY_RULES,
  {
    of: ['lockTimeoutMs', 'statementTimeoutMs'],
    problem: ({ lockTimeoutMs, statementTimeoutMs }) =>
      ordered(['LOCK_TIMEOUT_MS', lockTimeoutMs], ['STATEMENT_TIMEOUT_MS', statementTimeoutMs]),
  },
  {
    of: ['backoffFirstMs', 'backoffLastMs'],
    problem: ({ backoffFirstMs, backoffLastMs }) =>
      ordered(['RETRY_BACKOFF_FIRST_MS', backoffFirstMs], ['RETRY_BACKOFF_LAST_MS', backoffLastMs]),
  },
];

export interface ReprocessorConfig extends Declared {
  readonly limits: AttemptLimits;
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in cursors and logs. */
  readonly owner: string;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): ReprocessorConfig {
  const config = loadEnv(ENV, env, RULES);
  return Object.freeze({
    ...config,
    limits: { attemptsMax: config.attemptsMax, attemptsMaxByCode: config.attemptsMaxByCode },
    topics: topicsOf(config),
    kafka: kafkaSettings(config),
    owner: `${hostname()}/${process.pid}`,
  });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: ReprocessorConfig): Record<string, string> {
  return describeConfig(ENV, config);
}

function ordered(
  [small, smallMs]: readonly [string, number],
  [large, largeMs]: readonly [string, number],
): string | undefined {
  return smallMs > largeMs
    ? `${small} (${smallMs}) must not exceed ${large} (${largeMs})`
    : undefined;
}
