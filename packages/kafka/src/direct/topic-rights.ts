import type { KafkaSettings } from '../settings.ts';
import { connectionError } from './connection-failure.ts';
import { describeTopics, METADATA_API_KEY, METADATA_VERSIONS } from './describe-topic.ts';
import { drop, openAny } from './open-connection.ts';

export type TopicRight = 'READ' | 'WRITE';

/** Kafka's numbers of operations, which are bits of an answer. */
const BITS: Readonly<Record<TopicRight, number>> = { READ: 3, WRITE: 4 };

/**
 * What this user may do with topics, as brokers say it; everything where they have no authorizer.
 *
 * @param newest version of the request, as brokers of an earlier time speak it, for tests
 * @throws KafkaRequestError where no broker answers
 */
export async function askTopicRights(
  settings: KafkaSettings,
  topics: readonly string[],
  newest: number = METADATA_VERSIONS.newest,
): Promise<Map<string, ReadonlySet<TopicRight>>> {
  try {
    const { connection, newestOf } = await openAny(settings);
    try {
      const version = Math.min(newestOf(METADATA_API_KEY), newest);
      const described = await describeTopics(connection, topics, version, { rights: true });
      return new Map(
        described.topics.map(({ name, topicAuthorizedOperations: bits }) => [
          name ?? '',
          new Set(RIGHTS.filter((right) => (bits & (1 << BITS[right])) !== 0)),
        ]),
      );
    } finally {
      drop(connection);
    }
  } catch (error) {
    throw connectionError(error, `rights on ${topics.join(', ')}`);
  }
}

const RIGHTS = Object.keys(BITS) as TopicRight[];
