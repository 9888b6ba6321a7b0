// Apart from the client, whose native part takes a while to load.
export {
  KAFKA_ENV,
  KAFKA_RULES,
  kafkaSettings,
  readKafkaSettings,
  type KafkaConfig,
} from './cluster.ts';
export {
  GROUP_ENV,
  PARTITIONS_ENV,
  READER_ENV,
  readTopics,
  TOPIC_CHECK_ENV,
  TOPICS_ENV,
  TOPICS_RULES,
  topicsOf,
  type TopicsConfig,
} from './topics.ts';
