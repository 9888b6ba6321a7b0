import type { GroupConsumerOptions } from './consumer-config.ts';
import { askGroupMembers, type GroupMember } from './direct/group-members.ts';
import { isRightMissing, messageOf } from './errors.ts';
import type { NoticeBoard } from './notices.ts';
import type { PacedConsume } from './paced-consume.ts';
import type { Rebalances } from './rebalances.ts';
import type { KafkaSettings } from './settings.ts';

/** What of a native client this needs. */
interface LoggingClient {
  on(
    event: 'event.log',
    listener: (line: { readonly fac?: string; readonly message?: string }) => void,
  ): unknown;
}

export interface MembershipCheckParts {
  readonly notices: Pick<NoticeBoard, 'post'>;
  readonly rebalances: Pick<Rebalances, 'grants' | 'changes' | 'isSettled'>;
  readonly paced: Pick<PacedConsume, 'calls'>;
  /** Whether that member of the group may be this one. */
  isPerhapsUs(member: GroupMember): boolean;
  /** Asks the group's coordinator. */
  members(): Promise<readonly GroupMember[]>;
  /** Leaves the group and joins it again. */
  joinAgain(): void;
}

/** An answer did not come in time; or one was lost that mattered, and the group was joined again. */
export type MembershipEvent = 'unanswered' | 'answer_lost';

/** A request that was given up; only KIP-848 has one of that name. */
const GIVEN_UP = 'REQTMOUT';
const HEARTBEAT = 'ConsumerGroupHeartbeat';
/** The line says how long the answer was waited for: one interval of heartbeats, or up to a second more. */
const WAITED = /\(after (\d+)ms/;
const LOOK_EVERY_MIN_MS = 5_000;
/** Of an interval: within one a member's next heartbeat tells it what the group wants by now, unless that is lost. */
const LOOK_EVERY_INTERVALS = 2;
/** So often in a row, to be believed either way. */
const LOOKS = 2;
/** One under way began perhaps before the last look, the next did not. */
const CALLS = 2;
const JOIN_AGAIN_EVERY_MS = 60_000;

/**
 * Finds out whether an answer to a heartbeat was lost that took partitions away or gave some. librdkafka (2.15.1) gives up
 * an answer that comes later than one interval, and does not ask again; the brokers do not tell again either. So the
 * member holds, or lacks, partitions that the group has otherwise, and whoever is to have them waits for minutes.
 *
 * After a heartbeat without an answer the coordinator is asked what it assigns, until that is twice what was granted
 * here. Where twice in a row it is not, though nothing changed meanwhile and the client was attended to since, the group is joined
 * again. The coordinator tells what a member may read now: what it waits for from others is not in it, so a rebalance
 * that goes its way is no disagreement.
 *
 * The client does not tell which member it is. No two members are assigned the same partitions, so one that has just
 * ours is us; of none, any spare may be taken for us, and then nothing is done.
 */
export class MembershipCheck {
  readonly #parts: MembershipCheckParts;
  #listener: ((event: MembershipEvent) => void) | undefined;
  /** Looks in a row that found the same on both sides; from `LOOKS` on there is nothing to find out. */
  #agreed = LOOKS;
  #disagreed = 0;
  /** The changes that had come when they began to disagree. */
  #changes = 0;
  /** The client's calls by which it would have told of a change. */
  #sureAtCall = 0;
  #isLooking = false;
  #lookEveryMs = LOOK_EVERY_MIN_MS;
  #lookedAtMs = -Infinity;
  #joinedAgainAtMs = -Infinity;

  constructor(parts: MembershipCheckParts) {
    this.#parts = parts;
  }

  /** Hears of given up heartbeats from this client. */
  listenTo(client: LoggingClient): this {
    client.on('event.log', ({ fac, message = '' }) => {
      if (fac === GIVEN_UP && message.includes(HEARTBEAT)) this.#unanswered(message);
    });
    return this;
  }

  /** Has each event told from now on; a second listener replaces the first. */
  tell(listener: (event: MembershipEvent) => void): void {
    this.#listener = listener;
  }

  /** Looks where there is something to find out, in the background, and joins again. Between fetches. */
  check(): void {
    const { rebalances, paced } = this.#parts;
    if (this.#agreed >= LOOKS || this.#isLooking || !rebalances.isSettled) return;
    const nowMs = performance.now();
    if (this.#disagreed >= LOOKS && rebalances.changes === this.#changes) {
      const isDue = nowMs - this.#joinedAgainAtMs >= JOIN_AGAIN_EVERY_MS;
      if (isDue && paced.calls >= this.#sureAtCall) return this.#joinAgain();
    }
    if (nowMs - this.#lookedAtMs >= this.#lookEveryMs) void this.#look();
  }

  #unanswered(line: string): void {
    const waitedMs = Number(WAITED.exec(line)?.[1] ?? 0);
    this.#lookEveryMs = Math.max(LOOK_EVERY_MIN_MS, LOOK_EVERY_INTERVALS * waitedMs);
    this.#agreed = 0;
    const words = `the group's coordinator did not answer a heartbeat in time: asking it what it assigns`;
    this.#parts.notices.post('rebalance', new Error(words));
    this.#listener?.('unanswered');
  }

  async #look(): Promise<void> {
    const { rebalances, paced } = this.#parts;
    const { changes } = rebalances;
    this.#isLooking = true;
    try {
      const members = await this.#parts.members();
      this.#lookedAtMs = performance.now();
      // What changed while it was asked is on neither side for sure.
      if (!rebalances.isSettled || rebalances.changes !== changes) return;
      if (members.some((member) => this.#isAsHere(member))) {
        this.#agreed += 1;
        this.#disagreed = 0;
        return;
      }
      this.#agreed = 0;
      this.#disagreed = changes === this.#changes ? this.#disagreed + 1 : 1;
      this.#changes = changes;
      this.#sureAtCall = paced.calls + CALLS;
    } catch (error) {
      this.#lookedAtMs = performance.now();
      this.#onError(error);
    } finally {
      this.#isLooking = false;
    }
  }

  #isAsHere(member: GroupMember): boolean {
    const { grants } = this.#parts.rebalances;
    return (
      this.#parts.isPerhapsUs(member) && member.partitions.symmetricDifference(grants).size === 0
    );
  }

  #joinAgain(): void {
    this.#disagreed = 0;
    this.#joinedAgainAtMs = performance.now();
    const words =
      'the group and this member disagree about its partitions: an answer was lost; joining again';
    this.#parts.notices.post('rebalance', new Error(words));
    this.#listener?.('answer_lost');
    this.#parts.joinAgain();
  }

  /** Brokers that are away are asked again. */
  #onError(error: unknown): void {
    if (!isRightMissing(error)) return;
    this.#agreed = LOOKS;
    const words = `whether an answer of the group was lost cannot be seen: ${messageOf(error)}`;
    this.#parts.notices.post('rebalance', new Error(words));
  }
}

/** Of the member that the options describe. */
export function membershipCheck(
  settings: KafkaSettings,
  { groupId, topic, instanceId }: Pick<GroupConsumerOptions, 'groupId' | 'topic' | 'instanceId'>,
  parts: Omit<MembershipCheckParts, 'isPerhapsUs' | 'members'>,
): MembershipCheck {
  return new MembershipCheck({
    ...parts,
    members: () => askGroupMembers(settings, groupId, topic),
    isPerhapsUs: (member) =>
      instanceId === undefined
        ? member.clientId === settings.clientId
        : member.instanceId === instanceId,
  });
}
