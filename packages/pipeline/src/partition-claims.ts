import {
  type Claim,
  claimSource,
  claimSources,
  haltSource,
  readTopicRules,
  readWriteGuards,
  releaseSources,
  type WriterSession,
} from '@adtally/db';
import { DEFAULT_TOPIC_RULES, type TopicRules } from '@adtally/event-schema';
import type { GroupConsumer } from '@adtally/kafka';
import { backoffMs } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { ClaimFinding, ClaimPreparation, ReadyClaim } from './claim-preparation.ts';
import { divergedHalt, haltFor, type Halt, type StandingHalt } from './halt.ts';
import type { LoopMetrics } from './metrics.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';
import { isPassing } from './passing-errors.ts';
import { reasonOf, type WaitReason } from './wait-reason.ts';
import type { WriterLink } from './writer-link.ts';

export interface ClaimsParts {
  readonly consumer: GroupConsumer;
  readonly preparation: ClaimPreparation;
  readonly link: WriterLink;
  readonly ownership: Ownership;
  readonly metrics: LoopMetrics;
  readonly log: Logger;
}

export interface ClaimsOptions {
  /** Only events are read by rules. */
  readonly kind: 'events' | 'dlq';
  readonly topic: string;
  /** Who claims, for people who look at the cursors. */
  readonly owner: string;
}

/** What holds for every batch of the partitions claimed, until they are claimed again. */
export interface Claimed {
  readonly horizonMs: number;
  readonly rules: TopicRules;
}

/** Pause before a partition that could not be claimed, or was fenced, is claimed again. */
const CLAIM_AGAIN_FIRST_MS = 100;
const CLAIM_AGAIN_LAST_MS = 5_000;
/** How often a halted partition is looked at: an operator may have decided. */
const HALTED_LOOK_AGAIN_MS = 2_000;
/** Nobody is left to wait for once a claim is prepared, but for a former owner that came back meanwhile. */
const CLAIM_WAIT_MS = 500;
/** For each of those that are claimed together: what stands in the way is waited for one by one. */
const CLAIM_TOGETHER_WAIT_MS = 50;
/** After so long of claiming a batch is written before more is claimed. */
const CLAIMING_MAX_MS = 1_000;

type Ready = Extract<ClaimFinding, { kind: 'ready' }>;
type Waits = Extract<ClaimFinding, { kind: 'waits' }>;

/**
 * Step 1 of the commit protocol: turns partitions the group grants into partitions we own. Its methods are
 * called between writes; what may take time was done beside the loop, by `ClaimPreparation`.
 */
export class PartitionClaims {
  readonly #parts: ClaimsParts;
  readonly #options: ClaimsOptions;
  /** The topic's partitions as last described. */
  partitionCount = 0;

  constructor(parts: ClaimsParts, options: ClaimsOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** True when `takeUp` has something to do. */
  get hasFindings(): boolean {
    return this.#parts.preparation.hasFindings;
  }

  /**
   * Begins to prepare the claims that are due; resolves once that is done, and never rejects. A read that waits for records
   * ends where there is something to take up.
   */
  async prepareDue(): Promise<void> {
    const { preparation, consumer } = this.#parts;
    await preparation.begin(performance.now());
    if (preparation.hasFindings) consumer.wake();
  }

  /**
   * Claims every partition whose claim is prepared and starts reading it; returns what its records are judged by,
   * null where nothing was claimed.
   */
  async takeUp(signal: AbortSignal): Promise<Claimed | null> {
    const ready: Ready[] = [];
    const waiting: Waits[] = [];
    for (const finding of this.#parts.preparation.take()) {
      if (finding.kind === 'ready') ready.push(finding);
      else if (finding.kind === 'halted') this.#noteHalt(finding.partition, finding.halt);
      else waiting.push(finding);
    }
    for (const alike of Map.groupBy(waiting, ({ reason }) => reason.detail).values()) {
      const [{ reason, error }] = alike as [Waits];
      this.#putOff(
        alike.map(({ partition }) => partition),
        reason,
        error,
      );
    }
    return ready.length === 0 ? null : await this.#claimAll(ready, signal);
  }

  /** Gives a partition up that is still granted, to be claimed again after a jittered pause. */
  claimLater(partition: number, reason: WaitReason): void {
    const { ownership, consumer } = this.#parts;
    consumer.stop(partition);
    const failures = ownership.failures(partition) + 1;
    const pauseMs = backoffMs(failures, CLAIM_AGAIN_FIRST_MS, CLAIM_AGAIN_LAST_MS);
    ownership.claimLater(partition, performance.now(), pauseMs, reason);
  }

  /**
   * Stops a partition for good, in the database, so that it outlives us. Where the database cannot take that
   * now the partition is claimed again later, which meets the same.
   */
  async halt(owned: OwnedPartition, halt: Halt, signal: AbortSignal): Promise<void> {
    const { link, consumer } = this.#parts;
    consumer.stop(owned.partition);
    const session = await link.session(signal);
    try {
      await haltSource(session, owned, { ...halt });
    } catch (error) {
      if (!isPassing(error)) throw error;
      return this.#putOff([owned.partition], reasonOf(error), error);
    }
    this.#noteHalt(owned.partition, halt);
  }

  /** An orderly goodbye to partitions the group takes away, or that we leave. */
  async release(owned: readonly OwnedPartition[]): Promise<void> {
    const { link, log } = this.#parts;
    if (owned.length === 0 || !link.isConnected) return;
    try {
      await releaseSources(await link.session(AbortSignal.timeout(0)), owned);
    } catch (error) {
      // The next owner evicts our backend instead: slower, and as safe.
      log.warn({ err: error }, 'partitions could not be released in order');
    }
  }

  async #claimAll(ready: readonly Ready[], signal: AbortSignal): Promise<Claimed | null> {
    const { link, preparation } = this.#parts;
    const session = await link.session(signal);
    const startedMs = performance.now();
    const together = await this.#claimTogether(session, ready);
    for (const [index, { partition, ready: claim }] of ready.entries()) {
      if (performance.now() - startedMs > CLAIMING_MAX_MS) {
        preparation.putBack(ready.slice(index));
        break;
      }
      try {
        await this.#takeOver(session, partition, claim, together?.get(claim.sourceId));
      } catch (error) {
        if (!isPassing(error)) throw error;
        // A session that is lost takes no further claim either, nor says by which rules those before are read.
        const failed = session.isUsable
          ? [partition]
          : [...this.#ownedOf(ready), ...ready.slice(index).map((one) => one.partition)];
        this.#putOff(failed, reasonOf(error), error);
        if (!session.isUsable) return null;
      }
    }
    try {
      // After the claims: rules that change later end them, so that no batch judged by these is committed.
      const { kind, topic } = this.#options;
      const rules = kind === 'events' ? await readTopicRules(session, topic) : DEFAULT_TOPIC_RULES;
      const { horizonMs } = await readWriteGuards(session);
      return { horizonMs, rules };
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#putOff(this.#ownedOf(ready), reasonOf(error), error);
      return null;
    }
  }

  #ownedOf(ready: readonly Ready[]): number[] {
    const { ownership } = this.#parts;
    return ready
      .map(({ partition }) => partition)
      .filter((partition) => ownership.owned(partition) !== undefined);
  }

  /** All by one statement, which is what it takes where all is well; null where one of them is in its way. */
  async #claimTogether(
    session: WriterSession,
    ready: readonly Ready[],
  ): Promise<Map<number, Claim> | null> {
    if (ready.length < 2) return null;
    const sources = ready.map(({ partition, ready: { sourceId, topicId } }) => {
      return { sourceId, partition, topicId };
    });
    try {
      return await claimSources(session, sources, this.#options.owner, CLAIM_TOGETHER_WAIT_MS);
    } catch (error) {
      if (!isPassing(error)) throw error;
      return null;
    }
  }

  /** @param claimed of the partition, where it was claimed together with others */
  async #takeOver(
    session: WriterSession,
    partition: number,
    ready: ReadyClaim,
    claimed: Claim | undefined,
  ): Promise<void> {
    const { ownership, consumer, log } = this.#parts;
    const { topicId, sourceId } = ready;
    this.partitionCount = ready.partitionCount;
    const claim =
      claimed ??
      (await claimSource(session, sourceId, this.#options.owner, {
        waitMs: CLAIM_WAIT_MS,
        of: { partition, topicId },
      }));
    if (claim.halted !== null) return this.#noteHalt(partition, claim.halted);
    const halt = haltAt(claim.nextOffset, ready);
    if (halt !== null) {
      await haltSource(session, claim, { ...halt });
      return this.#noteHalt(partition, halt);
    }
    ownership.own({
      partition,
      sourceId,
      topicId,
      epoch: claim.epoch,
      committedOffset: claim.nextOffset,
      readOffset: claim.nextOffset,
    });
    this.exportHalts();
    consumer.start(partition, claim.nextOffset, { topicId, last: ready.lastRead });
    log.info({ partition, epoch: claim.epoch, offset: claim.nextOffset }, 'partition claimed');
  }

  #putOff(partitions: readonly number[], reason: WaitReason, error: unknown): void {
    const { ownership, log } = this.#parts;
    // Where all that was ready is halted, nobody waits for what failed.
    if (partitions.length === 0) return;
    for (const partition of partitions) this.claimLater(partition, reason);
    const failures = Math.min(...partitions.map((partition) => ownership.failures(partition)));
    // With growing pauses: after so many tries as powers of two.
    if ((failures & (failures - 1)) !== 0) return;
    log.warn(
      { err: error, partitions, reason: reason.code, detail: reason.detail, failures },
      'partitions could not be claimed yet',
    );
  }

  #noteHalt(partition: number, halt: StandingHalt): void {
    const { ownership, log } = this.#parts;
    const known = ownership.isHalted(partition);
    ownership.halt(partition, halt, performance.now(), HALTED_LOOK_AGAIN_MS);
    this.exportHalts();
    if (known) return;
    log.error(
      { partition, code: halt.code, detail: halt.detail },
      'partition halted: an operator must decide (ops sources, then ops accept-loss)',
    );
  }

  /** Makes the metric show the partitions that stand still here, and no others. */
  exportHalts(): void {
    const { ownership, metrics } = this.#parts;
    metrics.partitionHalted.clear();
    for (const { partition, code } of ownership.allHalted()) {
      metrics.partitionHalted.set(1, { partition: String(partition), reason: code });
    }
  }
}

/**
 * What the log, looked at before the claim, means for the cursor it found. A former owner may have committed
 * since, beyond the end that was seen then: only of a cursor that stood still a log can be called shorter.
 * A log's start never goes back.
 */
function haltAt(cursor: number, ready: ReadyClaim): Halt | null {
  const { nextOffset, log, lastRead, divergesAt } = ready;
  if (lastRead !== null && divergesAt !== null) return divergedHalt(lastRead, divergesAt);
  const halt = haltFor(cursor, log, lastRead);
  return halt?.code === 'truncated' || cursor === nextOffset ? halt : null;
}
