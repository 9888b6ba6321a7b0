import type { ServerFailure } from '@adtally/pacing';
import type { ClientWords } from './client-words.ts';
import type { GroupProtocol } from './consumer-config.ts';
import { troubleFailure } from './server-failure.ts';
import type { Trouble, TroubleCode } from './trouble.ts';

/** So long a coordinator may be looked for, or joining take, before it is said. */
const GRACE_MS = 5_000;
/** So many answers of the coordinator: to its API versions, perhaps metadata, and to a heartbeat. */
const ANSWERS_MIN = 3;
/** What a heartbeat is refused for the client says again every 5 s. */
const HEARTBEAT_TROUBLE = /ConsumerGroupHeartbeat failed/;
const HEARTBEAT_TROUBLE_OVER_MS = 12_000;
const COORDINATOR_FOUND = 'up';

/** Kept from the group, or from what it may read, whatever the connections do. */
const OF_THE_GROUP: ReadonlySet<TroubleCode> = new Set<TroubleCode>([
  'group_authorization',
  'topic_authorization',
  'cluster_authorization',
  'not_supported',
]);

/** `member`: the group counts on us, with partitions or as a spare. */
export type GroupPlace = 'joining' | 'member' | ServerFailure;

/**
 * What a consumer knows of its place in the group. An assignment, also an empty one, makes it a member. With
 * the classic protocol each member gets one; with KIP-848 a spare gets none, and only its heartbeats going on
 * tell it from one that was never let in: they are answered, and a refusal would be said or end the client.
 */
export class PlaceInGroup {
  readonly #words: Pick<ClientWords, 'trouble' | 'worked'>;
  readonly #protocol: GroupProtocol;
  #isMember = false;
  #joiningSinceMs = performance.now();
  /** As the client calls it; null before its first figures. */
  #coordinator: string | null = null;
  #coordinatorSinceMs = performance.now();
  /** Of the coordinator's connection, which carries little but heartbeats. */
  #answers = 0;
  /** What came before the last trouble, or before joining began, proves nothing. */
  #answersBefore = 0;

  /** When the client last said what is the matter. */
  #complainedAtMs = 0;

  constructor(words: Pick<ClientWords, 'trouble' | 'worked'>, protocol: GroupProtocol) {
    this.#words = words;
    this.#protocol = protocol;
  }

  /** The group assigned something, or said that there is nothing. */
  assigned(): void {
    this.#words.worked();
    this.#isMember = true;
  }

  /** Has the client's figures told to it. */
  listenTo(client: {
    on(event: 'event.stats', told: (stats: { message: string }) => void): void;
  }): this {
    client.on('event.stats', ({ message }) => this.figures(message));
    return this;
  }

  /** It asks for a place: for the first time, or since the group takes it for gone. */
  startsOver(): void {
    this.#isMember = false;
    this.#joiningSinceMs = performance.now();
    this.#answersBefore = this.#answers;
  }

  /** Takes the client's figures (JSON, many kilobytes), of which two are needed. */
  figures(text: string): void {
    const state = /"cgrp": ?\{ ?"state": ?"([^"]*)"/.exec(text)?.[1] ?? null;
    if (state !== this.#coordinator) this.#coordinatorSinceMs = performance.now();
    this.#coordinator = state;
    this.#answers = Number(/"GroupCoordinator": ?\{.*?"rx": ?(\d+)/s.exec(text)?.[1] ?? 0);
    const complainedAtMs = this.#words.trouble?.atMs ?? 0;
    if (complainedAtMs > this.#complainedAtMs) this.#answersBefore = this.#answers;
    this.#complainedAtMs = complainedAtMs;
    // Another coordinator, another connection.
    if (this.#answers < this.#answersBefore) this.#answersBefore = 0;
    const isAnswered = this.#answers - this.#answersBefore >= ANSWERS_MIN;
    if (this.#protocol === 'consumer' && state === COORDINATOR_FOUND && isAnswered) {
      this.#isMember = true;
    }
  }

  place(): GroupPlace {
    const { trouble } = this.#words;
    if (trouble !== null && OF_THE_GROUP.has(trouble.code) && !isOver(trouble)) {
      return troubleFailure(trouble);
    }
    const nowMs = performance.now();
    if (this.#coordinator !== COORDINATOR_FOUND) {
      if (nowMs - this.#coordinatorSinceMs < GRACE_MS) return this.#isMember ? 'member' : 'joining';
      if (trouble !== null) return troubleFailure(trouble);
      const detail = `the group's coordinator is not found (${this.#coordinator ?? 'not begun'})`;
      return { kind: 'away', code: 'coordinator_missing', detail };
    }
    if (this.#isMember) return 'member';
    if (nowMs - this.#joiningSinceMs < GRACE_MS) return 'joining';
    if (trouble !== null) return troubleFailure(trouble);
    const detail = 'the group has assigned nothing, and not said that there is nothing';
    return { kind: 'away', code: 'never_assigned', detail };
  }
}

function isOver({ message, atMs }: Trouble): boolean {
  return HEARTBEAT_TROUBLE.test(message) && Date.now() - atMs > HEARTBEAT_TROUBLE_OVER_MS;
}
