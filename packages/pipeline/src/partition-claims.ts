import {
  claimSource,
  haltSource,
  readWriteGuards,
  registerTopic,
  releaseSources,
  type Database,
  type RegisteredPartition,
  type WriterSession,
} from '@adtally/db';
import type { GroupConsumer, KafkaAdmin } from '@adtally/kafka';
import { backoffMs } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import { haltFor, type Halt, type StandingHalt } from './halt.ts';
import type { LoopMetrics } from './metrics.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';
import { isPassing } from './passing-errors.ts';
import { genesisOffsets, type StartAt } from './start-at.ts';
import { reasonOf, WaitingError, type WaitReason } from './wait-reason.ts';
import type { WriterLink } from './writer-link.ts';

export interface ClaimsOptions {
  readonly kind: 'events' | 'dlq';
  readonly topic: string;
  readonly owner: string;
  readonly startAt: StartAt;
}

export interface ClaimsParts {
  readonly consumer: GroupConsumer;
  readonly admin: KafkaAdmin;
  readonly db: Database;
  readonly link: WriterLink;
  readonly ownership: Ownership;
  readonly metrics: LoopMetrics;
  readonly log: Logger;
}

/** Pause before a partition that could not be claimed, or was fenced, is claimed again. */
const CLAIM_AGAIN_FIRST_MS = 100;
const CLAIM_AGAIN_LAST_MS = 5_000;
/** How often a halted partition is looked at: an operator may have decided. */
const HALTED_LOOK_AGAIN_MS = 2_000;

/** Step 1 of the commit protocol: turns partitions the group grants into partitions we own. */
export class PartitionClaims {
  readonly #parts: ClaimsParts;
  readonly #options: ClaimsOptions;
  /** The topic's partitions as last described. */
  partitionCount = 0;

  constructor(parts: ClaimsParts, options: ClaimsOptions) {
    this.#parts = parts;
    this.#options = options;
  }

  /** Claims every granted partition that is due and starts reading it; returns the horizon to use. */
  async claimDue(signal: AbortSignal): Promise<{ horizonMs: number } | null> {
    const { ownership, link, log } = this.#parts;
    const due = ownership.due(performance.now());
    if (due.length === 0) return null;
    try {
      const { topicId, sources } = await this.#register();
      const session = await link.session(signal);
      for (const partition of due)
        await this.#claim(session, topicId, partition, sources.get(partition));
      const { horizonMs } = await readWriteGuards(session);
      return { horizonMs };
    } catch (error) {
      if (!(error instanceof WaitingError) && !isPassing(error)) throw error;
      const reason = reasonOf(error);
      log.warn(
        { err: error, partitions: due, reason: reason.code },
        'partitions could not be claimed yet',
      );
      for (const partition of due) {
        if (ownership.owned(partition) === undefined) this.claimLater(partition, reason);
      }
      return null;
    }
  }

  /** Gives a partition up that is still granted, to be claimed again after a jittered pause. */
  claimLater(partition: number, reason: WaitReason): void {
    const { ownership, consumer } = this.#parts;
    consumer.stop(partition);
    const failures = ownership.failures(partition) + 1;
    const pauseMs = backoffMs(failures, CLAIM_AGAIN_FIRST_MS, CLAIM_AGAIN_LAST_MS);
    ownership.claimLater(partition, performance.now(), pauseMs, reason);
  }

  /** Stops a partition for good, in the database, so that it outlives us. */
  async halt(owned: OwnedPartition, halt: Halt, signal: AbortSignal): Promise<void> {
    const { link, consumer } = this.#parts;
    consumer.stop(owned.partition);
    const session = await link.session(signal);
    await haltSource(session, owned, { ...halt });
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

  async #register(): Promise<{ topicId: string; sources: Map<number, RegisteredPartition> }> {
    const { admin, db } = this.#parts;
    const { kind, topic, startAt } = this.#options;
    const described = await admin.describeTopic(topic);
    if (described === null) {
      throw new WaitingError({ code: 'topic_missing', detail: `topic ${topic} does not exist` });
    }
    this.partitionCount = described.partitions.length;
    let genesis: Map<number, number> | null = null;
    const registered = await registerTopic(db, {
      kind,
      topic,
      topicId: described.topicId,
      partitions: described.partitions.length,
      genesis: async (partition) => {
        const all = described.partitions.map((one) => one.partition);
        genesis ??= await genesisOffsets(admin, topic, all, startAt);
        return BigInt(genesis.get(partition) ?? 0);
      },
    });
    return {
      topicId: described.topicId,
      sources: new Map(registered.map((source) => [source.partition, source])),
    };
  }

  async #claim(
    session: WriterSession,
    topicId: string,
    partition: number,
    source: RegisteredPartition | undefined,
  ): Promise<void> {
    const { ownership, consumer, log } = this.#parts;
    // Metadata may lag behind the group: look again.
    if (source === undefined) {
      const { topic } = this.#options;
      const detail = `the broker describes ${topic} without partition ${partition}, which the group grants`;
      return this.claimLater(partition, { code: 'partition_unknown', detail });
    }
    if (source.state === 'halted') {
      return this.#noteHalt(partition, { code: source.haltedCode ?? 'halted', detail: '' });
    }
    const claim = await claimSource(session, source.sourceId, this.#options.owner);
    if (claim.halted !== null) return this.#noteHalt(partition, claim.halted);
    const halt = haltFor(claim.nextOffset, await consumer.watermarks(partition));
    if (halt !== null) {
      await haltSource(session, claim, { ...halt });
      return this.#noteHalt(partition, halt);
    }
    ownership.own({
      partition,
      sourceId: claim.sourceId,
      topicId,
      epoch: claim.epoch,
      committedOffset: claim.nextOffset,
      readOffset: claim.nextOffset,
    });
    this.exportHalts();
    consumer.start(partition, claim.nextOffset);
    log.info({ partition, epoch: claim.epoch, offset: claim.nextOffset }, 'partition claimed');
  }

  #noteHalt(partition: number, halt: StandingHalt): void {
    const { ownership, log } = this.#parts;
    const known = ownership.isHalted(partition);
    ownership.halt(partition, halt, performance.now(), HALTED_LOOK_AGAIN_MS);
    this.exportHalts();
    if (known) return;
    log.error(
      { partition, code: halt.code, detail: halt.detail },
      'partition halted: an operator must decide (sources, then sources accept-loss)',
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
