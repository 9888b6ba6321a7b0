import type { GroupConsumerOptions } from './consumer-config.ts';

/** A change of the group's assignment that waits for `settle`. */
export interface RebalanceEvent {
  readonly kind: 'granted' | 'revoked';
  readonly partitions: readonly number[];
  /** Revoked only: the group gave the partitions away already; nothing of theirs may be applied. */
  readonly lost: boolean;
}

/**
 * So long after a change of the classic protocol its members are slow to take part in another one: librdkafka joins a group
 * once a second at most (2.15.1, rdkafka_cgrp.c, `rkcg_join_intvl`), and what is given back earlier has no owner until then.
 */
export const CLASSIC_REST_MS = 1_000;

interface Arrived {
  readonly event: RebalanceEvent;
  readonly atMs: number;
}

/** The group's changes in the order they came, until the loop takes and settles them. */
export class Rebalances {
  readonly #restMs: number;
  readonly #holds: boolean;
  #arrived: Arrived[] = [];
  #lastAtMs = Number.NEGATIVE_INFINITY;
  #thrownOut = false;
  readonly #granted = new Set<number>();
  #changes = 0;
  #settled = 0;

  /**
   * @param restMs for so long after a change the others are slow to take over
   * @param holds a revocation that is no loss waits as long: its partitions stay ours until then. The client gives what comes
   * with it only after the answer, and tells of no loss before it
   */
  constructor(restMs = 0, holds = true) {
    this.#restMs = restMs;
    this.#holds = holds;
  }

  /** As members with these options need them. */
  static of({ protocol, reader }: Pick<GroupConsumerOptions, 'protocol' | 'reader'>): Rebalances {
    // The client's own reading pauses all its partitions until a revocation is answered.
    return new Rebalances(protocol === 'consumer' ? 0 : CLASSIC_REST_MS, reader !== 'librdkafka');
  }

  /** How long, in ms, the others are still slow to take over. */
  get restLeftMs(): number {
    return Math.max(0, this.#lastAtMs + this.#restMs - performance.now());
  }

  /** Partitions the group grants, as far as settled. */
  get grants(): ReadonlySet<number> {
    return this.#granted;
  }

  /** How many changes came so far. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether all that came is settled. */
  get isSettled(): boolean {
    return this.#settled === this.#changes;
  }

  /** Whether `take` has something. */
  get waiting(): boolean {
    const [first] = this.#arrived;
    return first !== undefined && !this.#rests(first);
  }

  granted(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#thrownOut = false;
    this.#push({ kind: 'granted', partitions, lost: false });
  }

  /** Returns whether the partitions are lost, which the client alone (`lost`) does not always know. */
  revoked(partitions: readonly number[], lost: boolean): boolean {
    const event: RebalanceEvent = { kind: 'revoked', partitions, lost: lost || this.#thrownOut };
    this.#push(event);
    return event.lost;
  }

  /**
   * The group threw this member out for pausing too long. Revocations on their way say nothing of that, yet
   * their partitions have new owners as well.
   */
  thrownOut(): void {
    this.#thrownOut = true;
    this.#arrived = this.#arrived.map((one) =>
      one.event.kind === 'revoked' ? { ...one, event: { ...one.event, lost: true } } : one,
    );
  }

  take(): RebalanceEvent[] {
    const resting = this.#arrived.findIndex((one) => this.#rests(one));
    return this.#takeFirst(resting < 0 ? this.#arrived.length : resting);
  }

  /** Those that rest, too. */
  takeAll(): RebalanceEvent[] {
    return this.#takeFirst(this.#arrived.length);
  }

  settled({ kind, partitions }: RebalanceEvent): void {
    this.#settled += 1;
    for (const partition of partitions) {
      if (kind === 'granted') this.#granted.add(partition);
      else this.#granted.delete(partition);
    }
  }

  /** The group is left: it grants nothing. */
  left(): void {
    this.#granted.clear();
  }

  #push(event: RebalanceEvent): void {
    this.#lastAtMs = performance.now();
    this.#arrived.push({ event, atMs: this.#lastAtMs });
    this.#changes += 1;
  }

  #takeFirst(count: number): RebalanceEvent[] {
    return this.#arrived.splice(0, count).map(({ event }) => event);
  }

  #rests({ event, atMs }: Arrived): boolean {
    const mayRest =
      this.#holds && event.kind === 'revoked' && !event.lost && event.partitions.length > 0;
    return mayRest && performance.now() < atMs + this.#restMs;
  }
}
