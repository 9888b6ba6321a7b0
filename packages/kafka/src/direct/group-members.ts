import { consumerGroupDescribeV0 } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { connectionError } from './connection-failure.ts';
import {
  answerOf,
  coordinatorOf,
  requireNoError,
  UNSUPPORTED_VERSION,
  withConnection,
} from './group-coordinator.ts';
import { openAny, openConnection } from './open-connection.ts';

/** A member of a group of KIP-848, as its coordinator has it. */
export interface GroupMember {
  readonly clientId: string;
  readonly instanceId: string | null;
  /** Those of the topic that it was given and is not to give back. */
  readonly partitions: ReadonlySet<number>;
}

/** What of a member's assignment, present or wanted, is looked at. */
interface Assignment {
  readonly topicPartitions: readonly {
    readonly topicName: string;
    readonly partitions: readonly number[];
  }[];
}

/**
 * Asks a group's coordinator who is in it, and who has which partitions of the topic.
 *
 * @throws KafkaRequestError, whose trouble says why nobody answers; a right that is missing has the broker's number
 */
export async function askGroupMembers(
  settings: KafkaSettings,
  groupId: string,
  topic: string,
): Promise<GroupMember[]> {
  const doing = `describe group ${groupId}`;
  try {
    const address = await withConnection(openAny(settings), ({ connection }) =>
      coordinatorOf(connection, groupId, doing),
    );
    const { groups } = await withConnection(openConnection(settings, address), ({ connection }) =>
      answerOf(consumerGroupDescribeV0.api.async(connection, [groupId], false)),
    );
    requireNoError(groups[0]?.errorCode ?? UNSUPPORTED_VERSION, doing);
    const partitionsIn = ({ topicPartitions }: Assignment): Set<number> =>
      new Set(
        topicPartitions
          .filter(({ topicName }) => topicName === topic)
          .flatMap(({ partitions }) => partitions),
      );
    return (groups[0]?.members ?? []).map(({ clientId, instanceId, ...member }) => ({
      clientId,
      instanceId: instanceId ?? null,
      // What is being taken from a member is in its assignment until it lets go (seen of Kafka 4.3).
      partitions: partitionsIn(member.assignment).intersection(
        partitionsIn(member.targetAssignment),
      ),
    }));
  } catch (error) {
    throw connectionError(error, doing);
  }
}
