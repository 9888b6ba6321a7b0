import { field, int, type ConfigOf, type Rule } from '@adtally/config';
import { type LogicalTopic, TOPICS } from '@adtally/event-schema';
import { BROKER_DEFAULT_REPLICATION } from './prepare-topics.ts';
import { KAFKA_ENV, KAFKA_RULES, TOPICS_ENV, TOPICS_RULES } from '@adtally/kafka/env';

export const PARTITIONS_MAX = 10_000;
export const REPLICATION_MAX = 100;

/** What `./dev migrate` alone reads, for the topics it creates; the README's table is made from it. */
export const ENV = {
  eventsPartitions: partitions('EVENTS_PARTITIONS', 'events'),
  dlqPartitions: partitions('DLQ_PARTITIONS', 'dlq'),
  deadPartitions: partitions('DEAD_PARTITIONS', 'dead'),
  topicReplication: field<number>('TOPIC_REPLICATION', {
    allowed: `an integer 1..${REPLICATION_MAX}`,
    meaning: 'copies of each partition',
    defaultText: '',
    defaultWords: "the broker's default",
    parse: (text) => {
      if (text === '') return BROKER_DEFAULT_REPLICATION;
      const copies = /^\d{1,3}$/.test(text) ? Number(text) : 0;
      return copies >= 1 && copies <= REPLICATION_MAX ? copies : undefined;
    },
  }),
} as const;

/** All that making topics depends on. */
export const TOPIC_JOB_ENV = { ...KAFKA_ENV, ...TOPICS_ENV, ...ENV } as const;

export type TopicJobConfig = ConfigOf<typeof TOPIC_JOB_ENV>;

export const TOPIC_JOB_RULES: readonly Rule<TopicJobConfig>[] = [...KAFKA_RULES, ...TOPICS_RULES];

function partitions(variable: string, logical: LogicalTopic) {
  return int(variable, {
    default: TOPICS[logical].defaultPartitions,
    min: 1,
    max: PARTITIONS_MAX,
    meaning: `partitions of \`${TOPICS[logical].variable}\``,
  });
}
