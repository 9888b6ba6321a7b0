export type { GroupPlace } from './group-place.ts';
export { kafkaFailure } from './server-failure.ts';
export { AckedProducer } from './acked-producer.ts';
export type { ProduceOutcome, ProducerOptions } from './acked-producer.ts';
export { KafkaAdmin } from './admin.ts';
export type { Watermarks } from './listed-offsets.ts';
export { AppendTimes, type LogPlace } from './append-times.ts';
export { brokersCheck, type BrokerUse } from './check-connection.ts';
export { withKafkaAdmin } from './command-admin.ts';
export type { GroupConsumerOptions, GroupProtocol, RecordReader } from './consumer-config.ts';
export { KafkaError, KafkaFatalError, KafkaRequestError } from './errors.ts';
export { RecordObjects, type FetchedRecords } from './fetched-records.ts';
export { GroupConsumer } from './group-consumer.ts';
export { chooseGroupProtocol } from './group-protocol.ts';
export type { LogPoint } from './log-ends.ts';
export type { MembershipEvent } from './membership-check.ts';
export type { Notice, OnNotice } from './notices.ts';
export type { ProduceRecord } from './producer-client.ts';
export type { ProducerMode } from './producer-config.ts';
export {
  BatchUnreadable,
  LogDiverged,
  OffsetOutOfRange,
  PartitionStalled,
  ReadFault,
  TopicGone,
} from './read-faults.ts';
export type { LogPosition } from './read-faults.ts';
export type { ReadUpTo } from './log-witness.ts';
export type { Hindrance, ReadFrom, RecordSource } from './record-source.ts';
export type { RebalanceEvent } from './rebalances.ts';
export { kafkaCertificateFiles, type KafkaSettings } from './settings.ts';
export { TOPIC_METRICS, type TopicMetrics } from './metrics.ts';
export { topicSetting } from './direct/topic-setting.ts';
export { TopicIdentity } from './topic-identity.ts';
export type { TopicDescription, TopicSpec } from './topic-description.ts';
export type { OnThrottle, Throttle, Throttling } from './throttling.ts';
export { TopicReader } from './topic-reader.ts';
export type { TopicReaderOptions } from './topic-reader.ts';
export { troubleOf, type Trouble, type TroubleCode } from './trouble.ts';
