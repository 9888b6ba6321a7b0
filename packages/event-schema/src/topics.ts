/** The topic registry: the only place where a physical topic name is written. */

export const LOGICAL_TOPICS = ['events', 'dlq', 'dead'] as const;
export type LogicalTopic = (typeof LOGICAL_TOPICS)[number];

export interface TopicDeclaration {
  /** Environment variable that overrides the physical name. */
  readonly variable: string;
  readonly defaultName: string;
  readonly defaultPartitions: number;
  /** One sentence for the documents. */
  readonly description: string;
}

export const TOPICS = {
  events: {
    variable: 'EVENTS_TOPIC',
    defaultName: 'ad-events',
    defaultPartitions: 12,
    description: 'Ad events as producers send them, keyed by impression_id.',
  },
  dlq: {
    variable: 'DLQ_TOPIC',
    defaultName: 'ad-events.dlq',
    defaultPartitions: 12,
    description: 'Rejected records with their original key, bytes and headers.',
  },
  dead: {
    variable: 'DEAD_TOPIC',
    defaultName: 'ad-events.dead',
    defaultPartitions: 1,
    description: 'Records given up after the last attempt.',
  },
} as const satisfies Record<LogicalTopic, TopicDeclaration>;

/** A topic as this deployment names it. */
export interface Topic {
  readonly logical: LogicalTopic;
  readonly name: string;
  /** Partitions it is created with; a topic may have been given more since. */
  readonly partitions: number;
}

const LEGAL_NAME = /^[a-zA-Z0-9._-]{1,249}$/;

/**
 * Resolves logical names to physical ones.
 *
 * @param env an environment-like object; absent or empty means the default
 * @throws Error naming every variable that holds no legal Kafka topic name, or two that hold the same
 */
export function resolveTopics(
  env: Readonly<Record<string, string | undefined>> = {},
): Readonly<Record<LogicalTopic, Topic>> {
  const problems: string[] = [];
  const logicalByName = new Map<string, LogicalTopic>();
  const resolve = (logical: LogicalTopic): Topic => {
    const { variable, defaultName, defaultPartitions } = TOPICS[logical];
    const name = env[variable] || defaultName;
    if (!LEGAL_NAME.test(name) || name === '.' || name === '..')
      problems.push(`${variable} is not a legal Kafka topic name`);
    const other = logicalByName.get(name);
    if (other !== undefined)
      problems.push(`${variable} and ${TOPICS[other].variable} name the same topic`);
    logicalByName.set(name, logical);
    return { logical, name, partitions: defaultPartitions };
  };
  const topics = { events: resolve('events'), dlq: resolve('dlq'), dead: resolve('dead') };
  if (problems.length > 0) throw new Error(problems.join('; '));
  return topics;
}
