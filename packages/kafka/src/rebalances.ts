/** A change of the group's assignment that waits for `settle`. */
export interface RebalanceEvent {
  readonly kind: 'granted' | 'revoked';
  readonly partitions: readonly number[];
  /** Revoked only: the group gave the partitions away already; nothing of theirs may be applied. */
  readonly lost: boolean;
}

/** The group's changes in the order they came, until the loop takes and settles them. */
export class Rebalances {
  #events: RebalanceEvent[] = [];
  #thrownOut = false;
  readonly #granted = new Set<number>();
  #changes = 0;
  #settled = 0;

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

  get waiting(): boolean {
    return this.#events.length > 0;
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
    this.#events = this.#events.map((event) =>
      event.kind === 'revoked' ? { ...event, lost: true } : event,
    );
  }

  take(): RebalanceEvent[] {
    const events = this.#events;
    this.#events = [];
    return events;
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
    this.#events.push(event);
    this.#changes += 1;
  }
}
