/** A change of the group's assignment that waits for `settle`. */
export interface RebalanceEvent {
  readonly kind: 'granted' | 'revoked';
  readonly partitions: readonly number[];
  /** Revoked only: the group gave the partitions away already; nothing of theirs may be applied. */
  readonly lost: boolean;
}

/** The group's changes in the order they came, until the loop takes them. */
export class Rebalances {
  #events: RebalanceEvent[] = [];
  #thrownOut = false;

  get waiting(): boolean {
    return this.#events.length > 0;
  }

  granted(partitions: readonly number[]): void {
    if (partitions.length > 0) this.#thrownOut = false;
    this.#events.push({ kind: 'granted', partitions, lost: false });
  }

  /** Returns whether the partitions are lost, which the client alone (`lost`) does not always know. */
  revoked(partitions: readonly number[], lost: boolean): boolean {
    const event: RebalanceEvent = { kind: 'revoked', partitions, lost: lost || this.#thrownOut };
    this.#events.push(event);
    return event.lost;
  }

  /**
   * The group threw this member out for pausing too long. Revocations on their way say nothing of that, yet
   * their partitions have new owners as well.
   */
  thrownOut(): void {
    this.#thrownOut = true;
    this.#events = this.#events.map((event) =>
      event.kind === 'revoked' ? { ...event, lost: true } : event,
    );
  }

  take(): RebalanceEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
  }
}
