import {
  durationMs,
  field,
  int,
  loadEnv,
  NotAllowed,
  oneOf,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import {
  LOGICAL_TOPICS,
  partitionRanges,
  readPartitionRanges,
  TOPICS,
  type LogicalTopic,
  type Topic,
} from '@adtally/event-schema';

const MEBIBYTE = 1_024 * 1_024;
const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/** The topics' names as this deployment has them. */
export const TOPICS_ENV = {
  eventsTopic: topicName('events'),
  dlqTopic: topicName('dlq'),
  deadTopic: topicName('dead'),
} as const;

export type TopicsConfig = ConfigOf<typeof TOPICS_ENV>;

const KEYS = { events: 'eventsTopic', dlq: 'dlqTopic', dead: 'deadTopic' } as const;

/** No two of them are the same. */
export const TOPICS_RULES: readonly Rule<TopicsConfig>[] = LOGICAL_TOPICS.flatMap((one, index) =>
  LOGICAL_TOPICS.slice(0, index).map((other) => ({
    of: [KEYS[one], KEYS[other]],
    problem: (config: TopicsConfig) =>
      config[KEYS[one]] === config[KEYS[other]]
        ? `${TOPICS[one].variable} and ${TOPICS[other].variable} name the same topic`
        : undefined,
  })),
);

/** The topics by their logical names. */
export function topicsOf(config: TopicsConfig): Readonly<Record<LogicalTopic, Topic>> {
  const topic = (logical: LogicalTopic): Topic => ({
    logical,
    name: config[KEYS[logical]],
    partitions: TOPICS[logical].defaultPartitions,
  });
  return { events: topic('events'), dlq: topic('dlq'), dead: topic('dead') };
}

/** For a program that reads nothing else; throws ConfigError with all problems. */
export function readTopics(env: Env): Readonly<Record<LogicalTopic, Topic>> {
  return topicsOf(loadEnv(TOPICS_ENV, env, TOPICS_RULES));
}

/** Who reads the records of a topic, and how far ahead. */
export const READER_ENV = {
  recordReader: oneOf('RECORD_READER', ['direct', 'librdkafka'], {
    default: 'direct',
    meaning:
      '`direct` (record batches read in place: docs/adr/0022) or `librdkafka` (the Kafka client)',
  }),
  fetchBufferMaxBytes: int('FETCH_BUFFER_MAX_BYTES', {
    default: 16 * MEBIBYTE,
    min: MEBIBYTE,
    max: 1_024 * MEBIBYTE,
    meaning: 'bytes of the topic fetched and not yet in a batch; one record batch more, if larger',
  }),
} as const;

/** Which partitions of the topic are counted into the database. */
export const PARTITIONS_ENV = {
  partitions: field<readonly number[] | null>('PARTITIONS', {
    allowed: 'like `0-5` or `0,2,8-11`: numbers and ranges, none twice',
    meaning:
      'the partitions that this database counts, `0-5,8`, where another counts the others (docs/adr/0041); `all` = every one. Fixed by the first process',
    defaultText: 'all',
    show: (partitions) => (partitions === null ? 'all' : partitionRanges(partitions)),
    parse: (text) => (text === 'all' ? null : readPartitionRanges(text)),
  }),
} as const;

/** How partitions of a topic are shared among processes, and who reads their records. */
export const GROUP_ENV = {
  groupProtocol: oneOf('GROUP_PROTOCOL', ['auto', 'consumer', 'classic'], {
    default: 'auto',
    meaning:
      '`consumer` (KIP-848, brokers from 4.0), `classic` (cooperative-sticky), or `auto`: what the living group uses, else `consumer` where the brokers have it; the log says which and why',
  }),
  ...READER_ENV,
} as const;

/** How often a topic is compared with what is known of it. */
export const TOPIC_CHECK_ENV = {
  topicCheckMs: durationMs('TOPIC_CHECK_MS', {
    default: 5_000,
    min: 100,
    max: 600_000,
    meaning: 'how often topic id, partitions and log start are looked at',
  }),
} as const;

function topicName(logical: LogicalTopic) {
  const { variable, defaultName, meaning } = TOPICS[logical];
  return field<string>(variable, {
    allowed: 'a legal Kafka topic name',
    meaning,
    defaultText: defaultName,
    parse: (name) =>
      LEGAL_NAME.test(name) && name !== '.' && name !== '..'
        ? name
        : new NotAllowed([`${variable} is not a legal Kafka topic name`]),
  });
}
