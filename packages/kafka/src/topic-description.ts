import { KafkaRequestError } from './errors.ts';
import { topicIdText } from './topic-id.ts';

export interface TopicDescription {
  /** The id as Kafka's own tools print it; a recreated topic has another one. */
  readonly topicId: string;
  readonly partitions: readonly {
    partition: number;
    replicas: number;
    isr: number;
    /** The broker that leads it; null while there is none. */
    leader: number | null;
  }[];
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  readonly replication: number;
  /** Topic configuration as the broker names it, such as `message.timestamp.type`. */
  readonly config: Readonly<Record<string, string>>;
}

/** What the client makes of a topic's part of a DescribeTopics answer. */
export interface DescribedTopic {
  topicId: { mostSignificantBits: bigint; leastSignificantBits: bigint };
  error?: unknown;
  partitions: {
    partition: number;
    leader?: { id: number } | null;
    replicas: unknown[];
    isr: unknown[];
  }[];
}

/** Kafka's "unsupported version": waiting does not change it. */
const UNSUPPORTED_VERSION = 35;

/**
 * The brokers tell no id of a topic: a topic made again under its name would pass for the one that was counted, and two
 * topics for one.
 */
export class NoTopicId extends KafkaRequestError {
  override readonly name = 'NoTopicId';

  constructor(doing: string) {
    super(
      `${doing}: the brokers in KAFKA_BROKERS give topics no id, by which a topic made again is known: Kafka 2.8 or later does, with inter.broker.protocol.version 2.8 or later`,
      UNSUPPORTED_VERSION,
      false,
    );
  }
}

/** @throws NoTopicId */
export function descriptionOf(found: DescribedTopic, doing: string): TopicDescription {
  const { mostSignificantBits, leastSignificantBits } = found.topicId;
  if (mostSignificantBits === 0n && leastSignificantBits === 0n) throw new NoTopicId(doing);
  const partitions = found.partitions.map(({ partition, leader, replicas, isr }) => ({
    partition,
    replicas: replicas.length,
    isr: isr.length,
    leader: leader?.id ?? null,
  }));
  return {
    topicId: topicIdText(found.topicId),
    partitions: partitions.toSorted((a, b) => a.partition - b.partition),
  };
}
