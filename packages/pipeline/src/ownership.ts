import type { StandingHalt } from './halt.ts';
import type { SourceClaim } from './source-claim.ts';
import type { WaitReason } from './wait-reason.ts';

/** A partition this process has claimed and reads. */
export interface OwnedPartition extends SourceClaim {
  readonly partition: number;
  /** Of the topic that was claimed: a topic made again under its name has another. */
  readonly topicId: string;
  /** The next offset to read; ahead of the cursor by what is in flight. */
  readOffset: number;
  /** So many records more may be read before its breaker is asked again; counted down by the filler. */
  allowance: number;
  /** When the group granted it, on the monotonic clock; null once the first batch committed. */
  handoverSinceMs: number | null;
}

/** The claim that a granted partition waits for. Times are of the monotonic clock. */
export interface PendingClaim {
  readonly dueAtMs: number;
  /** When the group granted the partition, or when we gave it up. */
  readonly grantedAtMs: number;
  /** How often in a row it was put off. */
  readonly failures: number;
  /** Why it was put off; null for one that was just granted. */
  readonly reason: WaitReason | null;
}

type PartitionState =
  | { readonly name: 'waiting'; readonly claim: PendingClaim }
  | { readonly name: 'owned'; readonly owned: OwnedPartition }
  | { readonly name: 'halted'; readonly claim: PendingClaim; readonly halt: StandingHalt };

/** What a partition may have been before it enters a state; `absent` = not granted. */
const ENTERED_FROM: Readonly<
  Record<PartitionState['name'], readonly (PartitionState['name'] | 'absent')[]>
> = {
  // From any: reading can end a revocation before anybody sees it, and then the grant comes again.
  waiting: ['absent', 'waiting', 'owned', 'halted'],
  // A claim is made of what waits for one; an older claim of ours is given up first.
  owned: ['waiting', 'halted'],
  halted: ['waiting', 'owned', 'halted'],
};

/**
 * What this process may do with each partition. The group grants and revokes; only a claim makes a
 * granted partition *owned*, and only owned partitions are read. A partition that is not granted has no
 * state, any other exactly one:
 *
 * - `waiting`: granted, to be claimed when its time has come (at once, or after a pause)
 * - `owned`: claimed and read
 * - `halted`: granted, standing still; looked at again now and then
 */
export class Ownership {
  readonly #states = new Map<number, PartitionState>();
  readonly #share: ReadonlySet<number> | null;

  /** `share`: the partitions that are counted into this database; null = all. */
  constructor(share: readonly number[] | null = null) {
    this.#share = share && new Set(share);
  }

  /** Does nothing for a partition that another database counts: the group knows nothing of shares. */
  grant(partition: number, nowMs: number): void {
    if (this.#share?.has(partition) === false) return;
    const claim = { dueAtMs: nowMs, grantedAtMs: nowMs, failures: 0, reason: null };
    this.#enter(partition, { name: 'waiting', claim });
  }

  /** Forgets everything about a partition; returns it where it was owned. */
  revoke(partition: number): OwnedPartition | null {
    const owned = this.owned(partition) ?? null;
    this.#states.delete(partition);
    return owned;
  }

  /** Granted partitions whose time to be claimed has come. */
  due(nowMs: number): number[] {
    return [...this.#states]
      .filter(([, state]) => state.name !== 'owned' && state.claim.dueAtMs <= nowMs)
      .map(([partition]) => partition);
  }

  /** The claim a granted partition waits for, another object whenever it is put off or granted anew. */
  pending(partition: number): PendingClaim | undefined {
    const state = this.#states.get(partition);
    return state === undefined || state.name === 'owned' ? undefined : state.claim;
  }

  /** A claim was made: the partition may be read. Throws where it waited for none. */
  own(claimed: Omit<OwnedPartition, 'handoverSinceMs' | 'allowance'>): OwnedPartition {
    const { partition } = claimed;
    const before = this.#states.get(partition);
    const handoverSinceMs =
      before === undefined || before.name === 'owned' ? null : before.claim.grantedAtMs;
    const owned = { ...claimed, allowance: 0, handoverSinceMs };
    this.#enter(partition, { name: 'owned', owned });
    return owned;
  }

  /**
   * Ends an ownership, or puts off a claim, until the pause is over: the group still counts on us. What is
   * halted stays so. Throws where the partition is not granted.
   */
  claimLater(partition: number, nowMs: number, pauseMs: number, reason: WaitReason): void {
    const claim = this.#putOff(partition, nowMs, pauseMs, reason);
    const state = this.#states.get(partition);
    this.#enter(
      partition,
      state?.name === 'halted' ? { ...state, claim } : { name: 'waiting', claim },
    );
  }

  /** Stands still, to be looked at again after the pause. Throws where the partition is not granted. */
  halt(
    partition: number,
    { code, detail }: StandingHalt,
    nowMs: number,
    lookAgainMs: number,
  ): void {
    const claim = this.#putOff(partition, nowMs, lookAgainMs, null);
    this.#enter(partition, { name: 'halted', claim, halt: { code, detail } });
  }

  owned(partition: number): OwnedPartition | undefined {
    const state = this.#states.get(partition);
    return state?.name === 'owned' ? state.owned : undefined;
  }

  /** Owned under just this claim: an older claim of the same partition does not count. */
  isCurrent(owned: OwnedPartition): boolean {
    return this.owned(owned.partition) === owned;
  }

  allOwned(): OwnedPartition[] {
    const owned: OwnedPartition[] = [];
    for (const state of this.#states.values()) {
      if (state.name === 'owned') owned.push(state.owned);
    }
    return owned;
  }

  /** How often in a row the claim of a partition was put off. */
  failures(partition: number): number {
    return this.pending(partition)?.failures ?? 0;
  }

  isHalted(partition: number): boolean {
    return this.#states.get(partition)?.name === 'halted';
  }

  allHalted(): ({ partition: number } & StandingHalt)[] {
    return [...this.#states].flatMap(([partition, state]) =>
      state.name === 'halted' ? [{ partition, ...state.halt }] : [],
    );
  }

  /** What is granted and neither read nor halted, since when (monotonic clock), and why. */
  allWaiting(): { partition: number; reason: WaitReason | null; sinceMs: number }[] {
    return [...this.#states].flatMap(([partition, state]) =>
      state.name === 'waiting'
        ? [{ partition, reason: state.claim.reason, sinceMs: state.claim.grantedAtMs }]
        : [],
    );
  }

  /** The claim of a granted partition, once more; the first time after an ownership nothing is remembered. */
  #putOff(
    partition: number,
    nowMs: number,
    pauseMs: number,
    reason: WaitReason | null,
  ): PendingClaim {
    const state = this.#states.get(partition);
    if (state === undefined) throw new Error(`partition ${partition} is not granted`);
    const before = state.name === 'owned' ? { grantedAtMs: nowMs, failures: 0 } : state.claim;
    return {
      dueAtMs: nowMs + pauseMs,
      grantedAtMs: before.grantedAtMs,
      failures: before.failures + 1,
      reason,
    };
  }

  /** The only place where a state changes. */
  #enter(partition: number, state: PartitionState): void {
    const from = this.#states.get(partition)?.name ?? 'absent';
    if (!ENTERED_FROM[state.name].includes(from)) {
      throw new Error(`partition ${partition} cannot go from ${from} to ${state.name}`);
    }
    this.#states.set(partition, state);
  }
}
