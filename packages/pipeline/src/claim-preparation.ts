import { type ClaimObstacle, clearTheWay, type RegisteredPartition } from '@adtally/db';
import {
  KafkaError,
  KafkaRequestError,
  type ReadUpTo,
  type RecordSource,
  type Watermarks,
} from '@adtally/kafka';
import type { StandingHalt } from './halt.ts';
import type { Ownership, PendingClaim } from './ownership.ts';
import { isPassing } from './passing-errors.ts';
import {
  type Registration,
  type RegistrationOptions,
  type RegistrationParts,
  TopicRegistration,
} from './topic-registration.ts';
import { reasonOf, WaitingError, type WaitReason } from './wait-reason.ts';

export interface PreparationOptions extends RegistrationOptions {
  readonly owner: string;
}

export interface PreparationParts extends RegistrationParts {
  readonly source: Pick<RecordSource, 'departures' | 'expect'>;
  readonly ownership: Ownership;
}

/** What the loop needs to know to claim a partition. */
export interface ReadyClaim {
  readonly topicId: string;
  /** How many partitions the topic has. */
  readonly partitionCount: number;
  readonly sourceId: number;
  /** The cursor, read before the log was. */
  readonly nextOffset: number;
  readonly log: Watermarks;
  /** The last record known to be counted... */
  readonly lastRead: ReadUpTo | null;
  /** ...and where the log departs from it; null where it does not, or nobody could tell. */
  readonly divergesAt: number | null;
}

type Outcome =
  | { readonly kind: 'ready'; readonly ready: ReadyClaim }
  | { readonly kind: 'halted'; readonly halt: StandingHalt }
  | { readonly kind: 'waits'; readonly reason: WaitReason; readonly error?: unknown };

/** What was found out about a partition that waits for its claim; of no use once it waits for another. */
export type ClaimFinding = Outcome & {
  readonly partition: number;
  readonly pending: PendingClaim;
};

/**
 * All that a claim may have to wait for, done beside the loop, so that it never holds up what is owned: which
 * topic it is, its sources, the former owner's backend, and what the broker's log holds. Every request in it is
 * bounded. What it finds is handed to the loop, which alone claims (docs/adr/0020).
 */
export class ClaimPreparation {
  readonly #parts: PreparationParts;
  readonly #options: PreparationOptions;
  readonly #registration: TopicRegistration;
  /** By partition, the claim that is being prepared. */
  readonly #inHand = new Map<number, PendingClaim>();
  /** Leaders that did not answer when last asked: asked after all others. */
  readonly #silent = new Set<number>();
  #findings: ClaimFinding[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(parts: PreparationParts, options: PreparationOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#registration = new TopicRegistration(parts, options);
  }

  /** True where `take` has something, or throws. */
  get hasFindings(): boolean {
    return this.#findings.length > 0 || this.#failure !== null;
  }

  /**
   * Begins with whatever is due and not in hand. Resolves once it is found out, at once where nothing was
   * begun; never rejects.
   */
  begin(nowMs: number): Promise<void> {
    const { ownership } = this.#parts;
    const claims = new Map<number, PendingClaim>();
    for (const partition of ownership.due(nowMs)) {
      const pending = ownership.pending(partition);
      if (pending === undefined || this.#inHand.get(partition) === pending) continue;
      claims.set(partition, pending);
      this.#inHand.set(partition, pending);
    }
    this.#registration.beginOnce();
    return claims.size === 0 ? Promise.resolve() : this.#run(claims);
  }

  /**
   * Asks for what claims will, and claims nothing: what is asked for the first time takes several times as long.
   * @throws what a claim would end with; what may be waited for is told by the claims that it keeps
   */
  async rehearse(signal: AbortSignal): Promise<void> {
    try {
      const { sources, leaders } = await this.#registration.read();
      const partitions = [...sources.keys()].filter((one) => (leaders.get(one) ?? null) !== null);
      this.#parts.source.expect(partitions);
      for (const [leader, led] of this.#byLeader(partitions, leaders)) {
        if (signal.aborted) return;
        const departing = this.#parts.source.departures(lastReads(led, sources));
        await Promise.all([this.#logs(leader, led), departing]);
      }
    } catch (error) {
      if (!isWaitedFor(error)) throw error;
    }
  }

  /** Hands over what was found for claims that still wait. Throws what nobody can wait out. */
  take(): ClaimFinding[] {
    if (this.#failure !== null) throw this.#failure.error;
    const { ownership } = this.#parts;
    const findings = this.#findings;
    this.#findings = [];
    for (const { partition, pending } of findings) {
      if (this.#inHand.get(partition) === pending) this.#inHand.delete(partition);
    }
    return findings.filter(({ partition, pending }) => ownership.pending(partition) === pending);
  }

  /** Findings that were taken and not acted upon yet. */
  putBack(findings: readonly ClaimFinding[]): void {
    for (const { partition, pending } of findings) this.#inHand.set(partition, pending);
    this.#findings.unshift(...findings);
  }

  async #run(claims: ReadonlyMap<number, PendingClaim>): Promise<void> {
    const open = new Map(claims);
    const settle = (partition: number, outcome: Outcome) => {
      const pending = open.get(partition);
      if (!open.delete(partition) || pending === undefined) return;
      this.#findings.push({ partition, pending, ...outcome });
    };
    try {
      await this.#find([...claims.keys()], settle);
    } catch (error) {
      if (!isWaitedFor(error)) {
        this.#failure ??= { error };
        return;
      }
      const waits = { kind: 'waits', reason: reasonOf(error), error } as const;
      for (const partition of claims.keys()) settle(partition, waits);
    }
  }

  async #find(
    partitions: readonly number[],
    settle: (partition: number, outcome: Outcome) => void,
  ): Promise<void> {
    const { db } = this.#parts;
    const { topic, owner } = this.#options;
    const registration = await this.#registration.read();
    const { sources, leaders } = registration;
    const claimable = new Map<number, RegisteredPartition>();
    for (const partition of partitions) {
      const source = sources.get(partition);
      if (source === undefined) {
        // Metadata may lag behind the group: look again.
        const detail = `the broker describes ${topic} without partition ${partition}, which the group grants`;
        settle(partition, { kind: 'waits', reason: { code: 'partition_unknown', detail } });
      } else if (source.state === 'halted') {
        const halt = { code: source.haltedCode ?? 'halted', detail: '' };
        settle(partition, { kind: 'halted', halt });
      } else if (leaders.get(partition) === null) {
        const detail = `${topic}[${partition}] has no leader`;
        settle(partition, { kind: 'waits', reason: { code: 'leader_missing', detail } });
      } else claimable.set(partition, source);
    }
    const sourceIds = [...claimable.values()].map(({ sourceId }) => sourceId);
    const clearing = clearTheWay(db, sourceIds, owner);
    for (const [leader, led] of this.#byLeader([...claimable.keys()], leaders)) {
      const logging = this.#logs(leader, led);
      const departing = this.#parts.source.departures(lastReads(led, claimable));
      const [logs, obstacles] = await Promise.all([logging, clearing]);
      const ready: number[] = [];
      for (const partition of led) {
        const obstacle = obstacles.get(claimable.get(partition)?.sourceId ?? -1);
        const waits = waitOf(obstacle, logs.get(partition));
        if (waits === null) ready.push(partition);
        else settle(partition, waits);
      }
      // Of a leader that does not answer nothing more is waited for.
      const departures = ready.length === 0 ? null : await departing;
      for (const partition of ready) {
        const source = claimable.get(partition) as RegisteredPartition;
        const log = logs.get(partition) as Watermarks;
        const divergesAt = departures?.get(partition) ?? null;
        const found = { ...readyOf(registration, source), log, divergesAt };
        settle(partition, { kind: 'ready', ready: found });
      }
    }
  }

  /** Partitions by the broker that must be asked of them, those that answered last time first. */
  #byLeader(
    partitions: readonly number[],
    leaders: ReadonlyMap<number, number | null>,
  ): [number, number[]][] {
    const groups = Map.groupBy(partitions, (partition) => leaders.get(partition) ?? -1);
    const isSilent = ([leader]: [number, number[]]) => Number(this.#silent.has(leader));
    return [...groups].toSorted((a, b) => isSilent(a) - isSilent(b));
  }

  async #logs(
    leader: number,
    partitions: readonly number[],
  ): Promise<Map<number, Watermarks | KafkaError>> {
    try {
      const logs = await this.#parts.admin.watermarksOf(this.#options.topic, partitions);
      this.#silent.delete(leader);
      return logs;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#silent.add(leader);
      return new Map(partitions.map((partition) => [partition, error]));
    }
  }
}

/** Also a right that Kafka refuses is waited for: somebody may grant it, and the reason is told meanwhile. */
function isWaitedFor(error: unknown): boolean {
  return error instanceof WaitingError || error instanceof KafkaRequestError || isPassing(error);
}

function waitOf(
  obstacle: ClaimObstacle | undefined,
  log: Watermarks | KafkaError | undefined,
): Outcome | null {
  if (obstacle !== undefined) {
    return { kind: 'waits', reason: { code: obstacle.kind, detail: obstacle.detail } };
  }
  return log instanceof KafkaError ? { kind: 'waits', reason: reasonOf(log), error: log } : null;
}

function readyOf(
  { topicId, leaders }: Registration,
  { sourceId, nextOffset, lastRead }: RegisteredPartition,
) {
  return { topicId, partitionCount: leaders.size, sourceId, nextOffset, lastRead };
}

function lastReads(
  partitions: readonly number[],
  sources: ReadonlyMap<number, RegisteredPartition>,
): Map<number, ReadUpTo> {
  const read = new Map<number, ReadUpTo>();
  for (const partition of partitions) {
    const last = sources.get(partition)?.lastRead ?? null;
    if (last !== null) read.set(partition, last);
  }
  return read;
}
