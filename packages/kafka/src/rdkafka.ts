import { createRequire } from 'node:module';
import type { Assignment, KafkaConsumer, LibrdKafkaError } from '@confluentinc/kafka-javascript';

type Client = typeof import('@confluentinc/kafka-javascript');

/** Without its second API, the one of KafkaJS: 8 ms of every start (docs/adr/0055). */
const native = createRequire(import.meta.url)(
  '@confluentinc/kafka-javascript/lib/rdkafka.js',
) as Client;

/** Methods the client has but its type declarations leave out. */
interface IncrementalConsumer {
  incrementalAssign(partitions: Assignment[]): this;
  incrementalUnassign(partitions: Assignment[]): this;
  /** True inside a revoke callback when the group already gave the partitions away. */
  assignmentLost(): boolean;
  rebalanceProtocol(): 'NONE' | 'EAGER' | 'COOPERATIVE';
  setDefaultIsTimeoutOnlyForFirstMessage(only: boolean): void;
}

export type NativeConsumer = KafkaConsumer & IncrementalConsumer;
export type NativeError = LibrdKafkaError;

/** Configuration as librdkafka names it. */
export type NativeConfig = Record<string, unknown>;

/**
 * Makes a raw consumer. No topic-level object is ever passed to the client: it would silently drop
 * global settings such as `auto.offset.reset`.
 */
export function newConsumer(config: NativeConfig): NativeConsumer {
  return new native.KafkaConsumer(config) as NativeConsumer;
}

export function newProducer(config: NativeConfig): InstanceType<typeof native.Producer> {
  return new native.Producer(config);
}

export const AdminClient = native.AdminClient;
export const OffsetSpec = native.OffsetSpec;

/** The librdkafka error codes this package tells apart. */
export const CODE = {
  assignPartitions: -175,
  fatal: -150,
  purgedInFlight: -151,
  /** Of the records beside one that is invalid. */
  otherRecordInvalid: -138,
  fenced: -144,
  maxPollExceeded: -147,
  autoOffsetReset: -140,
  queueFull: -184,
  unknownPartition: -190,
  noEntry: -156,
  badMessage: -199,
  badCompression: -198,
  notImplemented: -170,
  underflow: -155,
  logTruncation: -139,
  timedOut: -185,
  allBrokersDown: -187,
  messageTimedOut: -192,
  resolve: -193,
  transport: -195,
  timedOutInQueue: -166,
  unknownTopicOrPartition: 3,
  leaderNotAvailable: 5,
  messageTooLarge: 10,
  recordListTooLarge: 18,
  invalidRecord: 87,
  topicAlreadyExists: 36,
} as const;
