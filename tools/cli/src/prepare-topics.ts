import { LOGICAL_TOPICS, type LogicalTopic, resolveTopics } from '@adtally/event-schema';
import { KafkaAdmin, kafkaSettingsFromEnv, type TopicSpec } from '@adtally/kafka';
import { UsageError, wholeNumber } from './args.ts';

export interface PreparedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly created: boolean;
  readonly partitions: number;
  readonly wantedPartitions: number;
  readonly replicas: number;
}

export interface TopicOverrides {
  readonly partitions: Readonly<Partial<Record<LogicalTopic, number>>>;
  /** Copies of each partition; -1 = the broker's own default. */
  readonly replication: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const DAY_MS = 86_400_000;
const PARTITIONS_MAX = 10_000;
const REPLICATION_MAX = 100;
const BROKER_DEFAULT_REPLICATION = -1;
const RECORD_MAX_BYTES = 1_048_576;

/** Set when a topic is created; a topic that exists keeps what its owner gave it. */
const SETTINGS: Readonly<Record<LogicalTopic, Readonly<Record<string, string>>>> = {
  events: { 'retention.ms': String(7 * DAY_MS), 'max.message.bytes': String(RECORD_MAX_BYTES) },
  // Room for the original record and the headers that tell what was wrong with it.
  dlq: { 'retention.ms': String(14 * DAY_MS), 'max.message.bytes': String(2 * RECORD_MAX_BYTES) },
  dead: { 'retention.ms': String(30 * DAY_MS), 'max.message.bytes': String(2 * RECORD_MAX_BYTES) },
};

const COMMON_SETTINGS = {
  // The reference clock for "future" and for the alert window.
  'message.timestamp.type': 'LogAppendTime',
  'cleanup.policy': 'delete',
} as const;

/** Environment variables that say how many partitions a topic is created with. */
const PARTITION_VARIABLES: Readonly<Record<LogicalTopic, string>> = {
  events: 'EVENTS_PARTITIONS',
  dlq: 'DLQ_PARTITIONS',
  dead: 'DEAD_PARTITIONS',
};

/**
 * Reads EVENTS_PARTITIONS, DLQ_PARTITIONS, DEAD_PARTITIONS and TOPIC_REPLICATION; flags win.
 * @throws UsageError where one is no whole number in bounds.
 */
export function topicOverrides(
  flags: Readonly<Partial<Record<LogicalTopic | 'replication', string>>>,
  env: Env,
): TopicOverrides {
  const partitions: Partial<Record<LogicalTopic, number>> = {};
  for (const logical of LOGICAL_TOPICS) {
    const text = flags[logical] ?? (env[PARTITION_VARIABLES[logical]] || undefined);
    if (text !== undefined) {
      partitions[logical] = wholeNumber(`${logical}-partitions`, text, 1, PARTITIONS_MAX);
    }
  }
  const replication = flags.replication ?? (env['TOPIC_REPLICATION'] || undefined);
  return {
    partitions,
    replication:
      replication === undefined
        ? BROKER_DEFAULT_REPLICATION
        : wholeNumber('replication', replication, 1, REPLICATION_MAX),
  };
}

/**
 * Creates the topics that do not exist. Never deletes, grows or reconfigures one: where partitions
 * differ from what is wanted, that is reported.
 *
 * @param env how to reach Kafka (KAFKA_BROKERS, ...) and, without `specs`, the topics' names
 * @throws UsageError where a variable is wrong
 */
export async function prepareTopics(
  env: Env,
  specs: readonly TopicSpec[] = topicSpecs(env),
): Promise<PreparedTopic[]> {
  const kafka = kafkaSettingsFromEnv(env);
  if ('problems' in kafka) throw new UsageError(kafka.problems.join('; '));
  const admin = new KafkaAdmin(kafka.settings);
  try {
    const ensured = await admin.ensureTopics(specs);
    return ensured.map((topic, index) => ({
      name: topic.name,
      topicId: topic.topicId,
      created: topic.created,
      partitions: topic.partitions.length,
      wantedPartitions: specs[index]?.partitions ?? 0,
      replicas: Math.min(...topic.partitions.map((partition) => partition.replicas)),
    }));
  } finally {
    admin.close();
  }
}

/**
 * What the three topics should be.
 * @throws UsageError where a topic's name or number is wrong
 */
export function topicSpecs(
  env: Env,
  overrides: TopicOverrides = topicOverrides({}, env),
): TopicSpec[] {
  let topics: ReturnType<typeof resolveTopics>;
  try {
    topics = resolveTopics(env);
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
  return LOGICAL_TOPICS.map((logical) => ({
    name: topics[logical].name,
    partitions: overrides.partitions[logical] ?? topics[logical].partitions,
    replication: overrides.replication,
    config: { ...COMMON_SETTINGS, ...SETTINGS[logical] },
  }));
}
