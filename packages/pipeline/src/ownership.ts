/** A partition this process has claimed: every commit for it carries this epoch. */
export interface OwnedPartition {
  readonly partition: number;
  readonly sourceId: number;
  /** Of the topic that was claimed: a topic made again under its name has another. */
  readonly topicId: string;
  readonly epoch: number;
  /** The cursor: everything before it is committed. */
  committedOffset: number;
  /** The next offset to read; ahead of the cursor by what is in flight. */
  readOffset: number;
  /** So many records more may be read before its breaker is asked again; counted down by the filler. */
  allowance: number;
  /** When the group granted it, on the monotonic clock; null once the first batch committed. */
  handoverSinceMs: number | null;
}

/** Why a partition stands still until an operator decides (I9). */
export interface Halt {
  readonly code: HaltCode;
  readonly detail: string;
  /** Where reading could go on once the loss is accepted; null where no offset can be named. */
  readonly resumeAt: number | null;
}

export type HaltCode =
  /** An offset is missing although the topic may have no holes. */
  | 'hole'
  /** The log starts past the cursor: retention was faster than we. */
  | 'truncated'
  /** The log ends before the cursor. */
  | 'log_shrunk'
  /** The topic was deleted and created again under its name. */
  | 'topic_recreated';

/**
 * What this process may do with each partition. The group grants and revokes; only a claim makes a
 * granted partition *owned*, and only owned partitions are read.
 *
 * - `waiting`: granted, to be claimed when its time has come (at once, or after a pause)
 * - `owned`: claimed and read
 * - `halted`: granted, standing still; looked at again now and then
 */
export class Ownership {
  readonly #owned = new Map<number, OwnedPartition>();
  readonly #waiting = new Map<number, { dueAtMs: number; grantedAtMs: number; failures: number }>();
  readonly #halted = new Map<number, { code: string; detail: string }>();

  grant(partition: number, nowMs: number): void {
    this.#waiting.set(partition, { dueAtMs: nowMs, grantedAtMs: nowMs, failures: 0 });
  }

  /** Forgets everything about a partition; returns it where it was owned. */
  revoke(partition: number): OwnedPartition | null {
    const owned = this.#owned.get(partition) ?? null;
    this.#owned.delete(partition);
    this.#waiting.delete(partition);
    this.#halted.delete(partition);
    return owned;
  }

  /** Granted partitions whose time to be claimed has come. */
  due(nowMs: number): number[] {
    return [...this.#waiting]
      .filter(([, at]) => at.dueAtMs <= nowMs)
      .map(([partition]) => partition);
  }

  own(claimed: Omit<OwnedPartition, 'handoverSinceMs' | 'allowance'>): OwnedPartition {
    const { partition } = claimed;
    const owned = {
      ...claimed,
      allowance: 0,
      handoverSinceMs: this.#waiting.get(partition)?.grantedAtMs ?? null,
    };
    this.#waiting.delete(partition);
    this.#halted.delete(partition);
    this.#owned.set(partition, owned);
    return owned;
  }

  /** Ends an ownership and claims again after the pause: the group still counts on us. */
  claimLater(partition: number, nowMs: number, pauseMs: number): void {
    this.#owned.delete(partition);
    const known = this.#waiting.get(partition);
    this.#waiting.set(partition, {
      dueAtMs: nowMs + pauseMs,
      grantedAtMs: known?.grantedAtMs ?? nowMs,
      failures: (known?.failures ?? 0) + 1,
    });
  }

  halt(
    partition: number,
    halt: { code: string; detail: string },
    nowMs: number,
    lookAgainMs: number,
  ): void {
    this.claimLater(partition, nowMs, lookAgainMs);
    this.#halted.set(partition, { code: halt.code, detail: halt.detail });
  }

  owned(partition: number): OwnedPartition | undefined {
    return this.#owned.get(partition);
  }

  /** Owned under just this claim: an older claim of the same partition does not count. */
  isCurrent(owned: OwnedPartition): boolean {
    return this.#owned.get(owned.partition) === owned;
  }

  allOwned(): OwnedPartition[] {
    return [...this.#owned.values()];
  }

  failures(partition: number): number {
    return this.#waiting.get(partition)?.failures ?? 0;
  }

  allHalted(): { partition: number; code: string; detail: string }[] {
    return [...this.#halted].map(([partition, halt]) => ({ partition, ...halt }));
  }
}
