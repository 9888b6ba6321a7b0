import { hostname } from 'node:os';
import {
  bool,
  describeConfig,
  durationMs,
  int,
  loadEnv,
  oneOf,
  shareOrOff,
  text,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import { DATABASE_ENV, WRITER_ENV } from '@adtally/db/env';
import { DEDUP_ENV } from '@adtally/dedup/env';
import { partitionRanges, type LogicalTopic, type Topic } from '@adtally/event-schema';
import type { KafkaSettings } from '@adtally/kafka';
import {
  GROUP_ENV,
  KAFKA_ENV,
  KAFKA_RULES,
  kafkaSettings,
  PARTITIONS_ENV,
  TOPIC_CHECK_ENV,
  TOPICS_ENV,
  TOPICS_RULES,
  topicsOf,
} from '@adtally/kafka/env';
import {
  BATCH_ENV,
  GENESIS_ENV,
  RECORD_ENV,
  suspicionEnv,
  TOPIC_RULES_ENV,
} from '@adtally/pipeline/env';
import { SCHEMA_REGISTRY_ENV, SCHEMA_REGISTRY_RULES } from '@adtally/schema-registry/env';
import { serviceEnv } from '@adtally/service';

/** Every variable of this app; the README's table is made from it. */
export const ENV = {
  ...DATABASE_ENV,
  ...TOPICS_ENV,
  consumerGroup: text('CONSUMER_GROUP', {
    default: 'adtally-ingest',
    maxLength: 200,
    meaning: 'Kafka consumer group',
  }),
  ...GROUP_ENV,
  ...PARTITIONS_ENV,
  groupInstanceId: text('GROUP_INSTANCE_ID', {
    default: '',
    maxLength: 200,
    meaning:
      'static membership: who takes the place of a process has its partitions ([how](docs/operations.md#static-membership))',
  }),
  ...GENESIS_ENV,
  mayHaveGaps: bool('EVENTS_TOPIC_MAY_HAVE_GAPS', {
    default: false,
    meaning: '`true` for compacted or transactional topics: holes count as `gap`',
  }),
  ...BATCH_ENV,
  batchLingerMs: durationMs('BATCH_LINGER_MS', {
    default: 10,
    min: 0,
    max: 60_000,
    meaning: 'how long after the one before it a batch that has records may wait to be filled',
  }),
  ...RECORD_ENV,
  ...TOPIC_RULES_ENV,
  ...DEDUP_ENV,
  ...WRITER_ENV,
  ...suspicionEnv({ attempts: 5, budgetMs: 60_000 }),
  breakerRejectedShare: shareOrOff('BREAKER_REJECTED_SHARE', {
    default: 0.5,
    meaning:
      'above this share of rejected records a partition is slowed ([how](docs/operations.md#rejection-breaker)); between 0 and 1, or `off`',
  }),
  breakerWindowRecords: int('BREAKER_WINDOW_RECORDS', {
    default: 1_000,
    min: 10,
    max: 100_000,
    meaning: 'the records of a partition over which that share is taken, 10..100000',
  }),
  breakerRecordsPerSecond: int('BREAKER_RECORDS_PER_SECOND', {
    default: 50,
    min: 1,
    max: 100_000,
    meaning: 'how much of a slowed partition is read, 1..100000',
  }),
  ...TOPIC_CHECK_ENV,
  topicPolicy: oneOf('TOPIC_POLICY', ['warn', 'refuse'], {
    default: 'warn',
    meaning: '`warn` or `refuse` (exit 78) where a topic is missing or below the two minimums',
  }),
  topicMinPartitions: int('TOPIC_MIN_PARTITIONS', {
    default: 12,
    min: 1,
    max: 10_000,
    meaning: 'of the events topic',
  }),
  topicMinReplication: int('TOPIC_MIN_REPLICATION', {
    default: 1,
    min: 1,
    max: 100,
    meaning: 'of events and DLQ topic; set 3 in production',
  }),
  ...serviceEnv(9464),
  ...KAFKA_ENV,
  ...SCHEMA_REGISTRY_ENV,
} as const;

const RULES: readonly Rule<ConfigOf<typeof ENV>>[] = [
  ...TOPICS_RULES,
  ...KAFKA_RULES,
  ...SCHEMA_REGISTRY_RULES,
  {
    of: ['lockTimeoutMs', 'statementTimeoutMs'],
    problem: ({ lockTimeoutMs, statementTimeoutMs }) =>
      lockTimeoutMs >= statementTimeoutMs
        ? `LOCK_TIMEOUT_MS (${lockTimeoutMs}) must be less than STATEMENT_TIMEOUT_MS (${statementTimeoutMs})`
        : undefined,
  },
  {
    // A database that was restored from before the topic was counted would begin where it was left, not where
    // counting began.
    of: ['startAt', 'consumerGroup'],
    problem: ({ startAt, consumerGroup }) =>
      startAt.kind === 'group' && startAt.groupId === consumerGroup
        ? `START_AT=group:${consumerGroup} is CONSUMER_GROUP itself, whose offsets this service commits: give it another group`
        : undefined,
  },
];

export interface IngestConfig extends ConfigOf<typeof ENV> {
  readonly topics: Readonly<Record<LogicalTopic, Topic>>;
  readonly kafka: KafkaSettings;
  /** Names this process in cursors and logs. */
  readonly owner: string;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): IngestConfig {
  const config = loadEnv(ENV, env, RULES);
  return Object.freeze({
    ...config,
    topics: topicsOf(config),
    kafka: kafkaSettings(config),
    consumerGroup: groupOf(config),
    owner: `${hostname()}/${process.pid}`,
  });
}

/** Each share has a group of its own: what one counts, a member of another would be granted and not read. */
function groupOf({ consumerGroup, partitions }: ConfigOf<typeof ENV>): string {
  return partitions === null ? consumerGroup : `${consumerGroup}.${partitionRanges(partitions)}`;
}

/** What is in effect, for people; credentials masked. */
export function describe(config: IngestConfig): Record<string, string> {
  return describeConfig(ENV, config);
}
