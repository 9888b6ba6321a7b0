import { LOGICAL_TOPICS, type LogicalTopic, type Topic } from '@adtally/event-schema';
import { type KafkaSettings, type TopicSpec, withKafkaAdmin } from '@adtally/kafka';

export interface PreparedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly created: boolean;
  readonly partitions: number;
  readonly wantedPartitions: number;
  readonly replicas: number;
}

const DAY_MS = 86_400_000;
/** The broker's own default. */
export const BROKER_DEFAULT_REPLICATION = -1;
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

/**
 * Creates the topics that do not exist. Never deletes, grows or reconfigures one: where partitions
 * differ from what is wanted, that is reported.
 */
export async function prepareTopics(
  kafka: KafkaSettings,
  specs: readonly TopicSpec[],
): Promise<PreparedTopic[]> {
  const ensured = await withKafkaAdmin(kafka, (admin) => admin.ensureTopics(specs));
  return ensured.map((topic, index) => ({
    name: topic.name,
    topicId: topic.topicId,
    created: topic.created,
    partitions: topic.partitions.length,
    wantedPartitions: specs[index]?.partitions ?? 0,
    replicas: Math.min(...topic.partitions.map((partition) => partition.replicas)),
  }));
}

/** What the three topics should be. */
export function topicSpecs(
  topics: Readonly<Record<LogicalTopic, Topic>>,
  replication: number,
): TopicSpec[] {
  return LOGICAL_TOPICS.map((logical) => ({
    name: topics[logical].name,
    partitions: topics[logical].partitions,
    replication,
    config: { ...COMMON_SETTINGS, ...SETTINGS[logical] },
  }));
}
