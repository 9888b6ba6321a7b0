/** The topic registry: the only place where a physical topic name is written. */

export const LOGICAL_TOPICS = ['events', 'dlq', 'dead'] as const;
export type LogicalTopic = (typeof LOGICAL_TOPICS)[number];

export interface TopicDeclaration {
  /** Environment variable that overrides the physical name. */
  readonly variable: string;
  readonly defaultName: string;
  readonly defaultPartitions: number;
  /** What it is for, in a README's table. */
  readonly meaning: string;
}

export const TOPICS = {
  events: {
    variable: 'EVENTS_TOPIC',
    defaultName: 'ad-events',
    defaultPartitions: 12,
    meaning: 'the topic to count',
  },
  dlq: {
    variable: 'DLQ_TOPIC',
    defaultName: 'ad-events.dlq',
    defaultPartitions: 12,
    meaning: 'rejected records',
  },
  dead: {
    variable: 'DEAD_TOPIC',
    defaultName: 'ad-events.dead',
    defaultPartitions: 1,
    meaning: 'records given up, written by the dlq-reprocessor',
  },
} as const satisfies Record<LogicalTopic, TopicDeclaration>;

/** A topic as this deployment names it. */
export interface Topic {
  readonly logical: LogicalTopic;
  readonly name: string;
  /** Partitions it is created with; a topic may have been given more since. */
  readonly partitions: number;
}
