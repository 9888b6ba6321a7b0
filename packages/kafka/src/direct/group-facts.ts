import { setTimeout } from 'node:timers/promises';
import {
  ConfigResourceTypes,
  consumerGroupDescribeV0,
  describeConfigsV4,
  describeGroupsV5,
  type Connection,
} from '@platformatic/kafka';
import { KafkaRequestError } from '../errors.ts';
import type { KafkaSettings } from '../settings.ts';
import { connectionError } from './connection-failure.ts';
import {
  answerOf,
  coordinatorOf,
  requireNoError,
  UNSUPPORTED_VERSION,
  withConnection,
} from './group-coordinator.ts';
import { openAny, openConnection, type OpenConnection } from './open-connection.ts';

/** What brokers say of a consumer group, and of what they can do for it. */
export interface GroupFacts {
  /** Why the group cannot have the protocol of KIP-848; null where it can. */
  readonly without: 'not_spoken' | 'turned_off' | null;
  /** What its living members use; null where it has none. */
  readonly living: 'consumer' | 'classic' | null;
  /** For members of KIP-848; null where the brokers do not tell us. */
  readonly timeouts: GroupTimeouts | null;
}

export interface GroupTimeouts {
  readonly sessionMs: number;
  readonly heartbeatMs: number;
}

const CONSUMER_GROUP_HEARTBEAT = 68;
/** Version 1 came with Kafka 4.0; before it the protocol was a preview. */
const HEARTBEAT_SINCE_4_0 = 1;
const GROUP_VERSION = 'group.version';
const SESSION_TIMEOUT = 'consumer.session.timeout.ms';
const HEARTBEAT_INTERVAL = 'consumer.heartbeat.interval.ms';

const GROUP_ID_NOT_FOUND = 69;
/** A cluster without any group yet makes the coordinators' topic first; one that moves is loaded. */
const COORDINATOR_COMES: ReadonlySet<number> = new Set([14, 15, 16]);
const COORDINATOR_WAIT_MS = 5_000;
const ASK_AGAIN_MS = 100;

/**
 * Asks the brokers about a group: any of them what they speak, its coordinator who is in it. A coordinator that is about
 * to be there is waited for, for 5 s.
 *
 * @throws KafkaRequestError, whose trouble says why nobody answers; a right that is missing has the broker's number
 */
export async function askGroupFacts(settings: KafkaSettings, groupId: string): Promise<GroupFacts> {
  const doing = `describe group ${groupId}`;
  const deadline = performance.now() + COORDINATOR_WAIT_MS;
  for (;;) {
    try {
      return await withConnection(openAny(settings), (any) => ask(settings, any, groupId, doing));
    } catch (error) {
      const isSoon = error instanceof KafkaRequestError && COORDINATOR_COMES.has(error.code);
      if (!isSoon || performance.now() > deadline) {
        throw connectionError(error, doing);
      }
    }
    await setTimeout(ASK_AGAIN_MS);
  }
}

async function ask(
  settings: KafkaSettings,
  any: OpenConnection,
  groupId: string,
  doing: string,
): Promise<GroupFacts> {
  if (any.newestOf(CONSUMER_GROUP_HEARTBEAT) < HEARTBEAT_SINCE_4_0) {
    return { without: 'not_spoken', living: null, timeouts: null };
  }
  if (any.featureLevel(GROUP_VERSION) < 1) {
    return { without: 'turned_off', living: null, timeouts: null };
  }
  const address = await coordinatorOf(any.connection, groupId, doing);
  return await withConnection(openConnection(settings, address), ({ connection }) =>
    askCoordinator(connection, groupId, doing),
  );
}

async function askCoordinator(
  connection: Connection,
  groupId: string,
  doing: string,
): Promise<GroupFacts> {
  const described = consumerGroupDescribeV0.api.async(connection, [groupId], false);
  const [group] = (await answerOf(described)).groups;
  if (group === undefined || group.errorCode === UNSUPPORTED_VERSION) {
    return { without: 'turned_off', living: null, timeouts: null };
  }
  let living: GroupFacts['living'];
  if (group.errorCode !== GROUP_ID_NOT_FOUND) {
    living = hasMembers(group, doing) ? 'consumer' : null;
  } else {
    // No group of KIP-848: there is none, or a classic one.
    const asked = describeGroupsV5.api.async(connection, [groupId], false);
    const [classic] = (await answerOf(asked)).groups;
    living = hasMembers(classic, doing) ? 'classic' : null;
  }
  return { without: null, living, timeouts: await timeoutsOf(connection, groupId) };
}

/** What a coordinator told of a group, or the error it answered with: it may have moved since it was found. */
interface DescribedGroup {
  readonly errorCode: number;
  readonly members: readonly unknown[];
}

/** @throws KafkaRequestError where it was not told: a group nobody told of is none without members */
export function hasMembers(group: DescribedGroup | undefined, doing: string): boolean {
  requireNoError(group?.errorCode ?? UNSUPPORTED_VERSION, doing);
  return (group?.members.length ?? 0) > 0;
}

/** As the broker applies them to this group, its own settings and defaults included; a right of its own is needed. */
async function timeoutsOf(connection: Connection, groupId: string): Promise<GroupTimeouts | null> {
  const asked = {
    resourceType: ConfigResourceTypes.GROUP,
    resourceName: groupId,
    configurationKeys: [SESSION_TIMEOUT, HEARTBEAT_INTERVAL],
  };
  const described = describeConfigsV4.api.async(connection, [asked], false, false);
  const [result] = (await answerOf(described)).results;
  const valueOf = (wanted: string): number =>
    Number(result?.configs.find(({ name }) => name === wanted)?.value ?? Number.NaN);
  const timeouts = {
    sessionMs: valueOf(SESSION_TIMEOUT),
    heartbeatMs: valueOf(HEARTBEAT_INTERVAL),
  };
  return Number.isNaN(timeouts.sessionMs + timeouts.heartbeatMs) ? null : timeouts;
}
