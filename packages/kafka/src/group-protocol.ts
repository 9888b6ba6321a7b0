import type { Logger } from '@adtally/telemetry';
import type { GroupProtocol } from './consumer-config.ts';
import { askGroupFacts, type GroupFacts, type GroupTimeouts } from './direct/group-facts.ts';
import type { KafkaSettings } from './settings.ts';

/** As `GROUP_PROTOCOL` has them. */
export type WantedProtocol = 'auto' | 'consumer' | 'classic';

export interface ProtocolChoice {
  readonly wanted: WantedProtocol;
  readonly groupId: string;
  readonly log: Logger;
}

/** Longer than the classic protocol's session, which the client sets (`consumerConfig`). */
const SLOW_SESSION_MS = 10_000;

/**
 * The protocol this process is to join its group with: the one that was wanted, or with `auto` the one that the
 * living group uses, else the newest that the brokers have. Says which, why and how to change it, and where the brokers
 * would miss a killed member for long.
 *
 * @throws KafkaRequestError where the brokers do not answer, or do not let the group be seen
 */
export async function chooseGroupProtocol(
  settings: KafkaSettings,
  { wanted, groupId, log }: ProtocolChoice,
): Promise<GroupProtocol> {
  if (wanted === 'classic') return 'cooperative-sticky';
  const facts = await askGroupFacts(settings, groupId);
  const { protocol, why } = wanted === 'auto' ? chosen(facts) : { protocol: wanted, why: null };
  if (why !== null) {
    log.info(
      { group: groupId, protocol, why },
      `GROUP_PROTOCOL=auto is ${protocol}: set it to change that, once no member of the group is left`,
    );
  }
  if (protocol === 'classic') return 'cooperative-sticky';
  // Brokers that do not have it have no time-outs to tell either: joining says what they lack.
  if (facts.without === null) warnOfSlowTakeover(facts.timeouts, groupId, log);
  return 'consumer';
}

/** @returns the protocol as `GROUP_PROTOCOL` has it, and a sentence */
export function chosen({ without, living }: Pick<GroupFacts, 'without' | 'living'>): {
  readonly protocol: 'consumer' | 'classic';
  readonly why: string;
} {
  switch (without) {
    case 'not_spoken':
      return {
        protocol: 'classic',
        why: 'the brokers do not speak KIP-848, as Kafka does from 4.0 on',
      };
    case 'turned_off':
      return {
        protocol: 'classic',
        why: 'the brokers have KIP-848 turned off: feature group.version, or group.coordinator.rebalance.protocols',
      };
    case null:
      return living === null
        ? {
            protocol: 'consumer',
            why: 'the brokers have KIP-848, and the group has no members yet',
          }
        : { protocol: living, why: 'the living members of the group use it' };
    default:
      return without satisfies never;
  }
}

function warnOfSlowTakeover(timeouts: GroupTimeouts | null, groupId: string, log: Logger): void {
  if (timeouts === null) {
    log.info(
      { group: groupId },
      'the brokers do not tell how soon they miss a killed member: it needs DESCRIBE_CONFIGS on the group',
    );
    return;
  }
  const { sessionMs, heartbeatMs } = timeouts;
  if (sessionMs <= SLOW_SESSION_MS) return;
  log.warn(
    { group: groupId, sessionMs, heartbeatMs },
    `the partitions of a member that is killed will stand still for ${Math.round(sessionMs / 1_000)} s: ` +
      'set the group.consumer.* settings of docs/operations.md at the brokers, or GROUP_PROTOCOL=classic',
  );
}
