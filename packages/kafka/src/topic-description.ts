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

export function descriptionOf(found: DescribedTopic): TopicDescription {
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
