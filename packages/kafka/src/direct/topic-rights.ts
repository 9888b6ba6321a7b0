import { metadataV12, ResponseError } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { connectionError } from './connection-failure.ts';
import { drop, openAny } from './open-connection.ts';

export type TopicRight = 'READ' | 'WRITE';

/** Kafka's numbers of operations, which are bits of an answer. */
const BITS: Readonly<Record<TopicRight, number>> = { READ: 3, WRITE: 4 };

/**
 * What this user may do with topics, as brokers say it; everything where they have no authorizer.
 *
 * @throws KafkaRequestError where no broker answers
 */
export async function askTopicRights(
  settings: KafkaSettings,
  topics: readonly string[],
): Promise<Map<string, ReadonlySet<TopicRight>>> {
  try {
    const { connection } = await openAny(settings);
    try {
      const described = await metadataV12.api
        .async(connection, [...topics], false, true)
        .catch((error: unknown) => {
          if (error instanceof ResponseError) return error.response as Described;
          throw error;
        });
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

type Described = Awaited<ReturnType<typeof metadataV12.api.async>>;
