import type { SourceCounts } from '@adtally/db';
import {
  changedRules,
  DEFAULT_TOPIC_RULES,
  type DecodeLimits,
  type TopicRules,
} from '@adtally/event-schema';
import type { GroupConsumer, RebalanceEvent } from '@adtally/kafka';
import { Abandoned, pause } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { Admission } from './admission.ts';
import type { BatchCommitter } from './batch-committer.ts';
import type { BatchFiller } from './batch-filler.ts';
import { tellCounts, type BatchTracing } from './batch-tracing.ts';
import type { BatchWork, SourceSpan } from './batch-work.ts';
import { readBy, type ClassifyRules } from './classify.ts';
import { CommitLine } from './commit-line.ts';
import type { CursorWatch } from './cursor-watch.ts';
import type { LoopMetrics } from './metrics.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';
import type { PartitionClaims } from './partition-claims.ts';
import { recordsInHand, type RecordsInHand } from './records-in-hand.ts';
import type { TopicWatch } from './topic-watch.ts';

export interface LoopParts {
  readonly consumer: GroupConsumer;
  readonly ownership: Ownership;
  readonly claims: PartitionClaims;
  readonly filler: BatchFiller;
  readonly committer: BatchCommitter;
  readonly watch: TopicWatch;
  readonly cursors: CursorWatch<OwnedPartition>;
  readonly admission: Admission;
  readonly metrics: LoopMetrics;
  readonly tracing?: BatchTracing | undefined;
  readonly log: Logger;
  /** Told of every commit, for counting. */
  readonly onCommitted: (
    work: BatchWork,
    counts: readonly SourceCounts[],
    committed: readonly SourceSpan[],
  ) => void;
  /** The group takes partitions away, or we leave: lets go of what else goes with them, and never for long. */
  readonly letGo?: (partitions: readonly number[]) => Promise<void>;
  /** Partitions were given back: their next owner need not wait until it asks by itself. */
  readonly gaveBack?: () => void;
  /** Called on every turn: liveness is that the loop turns. */
  readonly beat: () => void;
  /** Fires when even the batch in hand may be given up. */
  readonly abandoned: AbortSignal;
}

export interface LoopOptions {
  readonly batchMaxEvents: number;
  readonly limits: DecodeLimits;
}

const PULSE_MS = 1_000;
/** How long claims that have just become due may hold up what is owned. */
const PREPARING_WAIT_MS = 100;

/**
 * The single mutator: one batch is written while the next is prepared and a third fetched and decoded. Claims,
 * halts and answers to the group happen only when nothing is in flight, and wait for nobody there;
 * everything else in this package hands its findings to this loop and changes nothing itself.
 */
export class IngestLoop {
  readonly #parts: LoopParts;
  readonly #options: LoopOptions;
  readonly #line: CommitLine<OwnedPartition>;
  /** Fires when what is on its way may wait no longer. */
  readonly #givenUp: AbortSignal;
  readonly #stopped = new AbortController();
  /** As they stood after the latest claim: whoever changes them ends all claims (docs/adr/0026). */
  #topicRules: TopicRules = DEFAULT_TOPIC_RULES;

  constructor(parts: LoopParts, options: LoopOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#line = new CommitLine(options.batchMaxEvents, {
      prepare: (work) => this.#prepare(work),
      write: (work) => this.#write(work),
    });
    this.#givenUp = AbortSignal.any([parts.abandoned, this.#line.failed]);
  }

  /** What was read and is not committed. */
  get inHand(): RecordsInHand[] {
    return recordsInHand(this.#line.inHand);
  }

  /** Ends the loop after the batch in hand. */
  stop(): void {
    this.#stopped.abort();
  }

  /** Runs until `stop`; rejects with whatever must end the service. */
  async run(): Promise<void> {
    const line = this.#line;
    try {
      do {
        const work = await this.#pulsing(line.room());
        await this.#fill(work);
        // After the last record was read; the batches before are on their way meanwhile.
        const isSure = work.isEmpty || this.#parts.consumer.isTopicSure;
        line.push(work, isSure ? undefined : this.#parts.watch.confirm());
        if (!this.#isInterrupted) continue;
        await this.#pulsing(line.drained());
        if (!this.#stopped.signal.aborted) await this.#pulsing(this.#settle());
      } while (!this.#stopped.signal.aborted);
    } catch (error) {
      await line.drained().catch(() => undefined);
      if (!(error instanceof Abandoned)) throw error;
      this.#parts.log.warn(error.message);
    }
    const { letGo, claims, consumer, ownership } = this.#parts;
    await letGo?.([...consumer.granted]);
    await claims.release(ownership.allOwned());
  }

  /** What ends a fill at once, and is settled between two writes. */
  get #isInterrupted(): boolean {
    const { consumer, claims, filler, watch, cursors } = this.#parts;
    return (
      this.#stopped.signal.aborted ||
      this.#line.failed.aborted ||
      consumer.hasRebalance ||
      filler.halts.size > 0 ||
      filler.stalled.size > 0 ||
      watch.hasFound ||
      cursors.hasFound ||
      claims.hasFindings
    );
  }

  async #fill(work: BatchWork<OwnedPartition>): Promise<void> {
    const { filler, committer, claims, tracing, beat } = this.#parts;
    const startedAtMs = Date.now();
    beat();
    void claims.prepareDue();
    const rules: ClassifyRules = {
      horizonMs: committer.horizonMs,
      partitions: claims.partitionCount,
      ...readBy(this.#options.limits, this.#topicRules),
    };
    await filler.fill(work, rules, {
      // While a batch is being written the next one may as well grow.
      mayLinger: () => this.#line.isBusy,
      mustReturn: () => {
        // Once a fetch: while a batch waits for the database, the one that is filled may take long.
        beat();
        return this.#isInterrupted;
      },
    });
    if (!work.isEmpty) tracing?.begin(work, startedAtMs);
  }

  /** All that is awaited here is bounded or waits for a server by turns: the loop counts as alive. */
  async #pulsing<T>(work: Promise<T>): Promise<T> {
    const pulse = setInterval(() => this.#parts.beat(), PULSE_MS);
    try {
      return await work;
    } finally {
      clearInterval(pulse);
    }
  }

  async #prepare(work: BatchWork<OwnedPartition>): Promise<void> {
    this.#dropLost(work);
    if (work.isEmpty) return;
    await this.#parts.committer.prepare(work, this.#givenUp);
  }

  /** Writes what is still ours of the batch; afterwards every span of it is committed or given up. */
  async #write(work: BatchWork<OwnedPartition>): Promise<void> {
    const { committer } = this.#parts;
    // Once more: the batch before it may have found partitions fenced.
    this.#dropLost(work);
    if (work.isEmpty) return;
    const spans = [...work.spans.values()];
    const { counts, fenced } = await committer.commit(work, this.#givenUp);
    tellCounts(work, counts);
    const lost = new Set(fenced);
    const committed = spans.filter(({ claim }) => !lost.has(claim.sourceId));
    for (const span of committed) this.#noteCommitted(span);
    await this.#giveUp(spans.map(({ claim }) => claim).filter((claim) => lost.has(claim.sourceId)));
    this.#parts.consumer.noteCommitted(
      new Map(committed.map(({ claim, end }) => [claim.partition, end])),
    );
    this.#parts.onCommitted(work, counts, committed);
    this.#parts.admission.afterCommit(work);
  }

  /** Forgets what is not ours to write any more. */
  #dropLost(work: BatchWork<OwnedPartition>): void {
    const { ownership, watch } = this.#parts;
    for (const { claim } of work.spans.values()) {
      if (!ownership.isCurrent(claim) || watch.isRecreated(claim)) work.dropSource(claim.sourceId);
    }
  }

  /** Claims that the database did not take a commit for: somebody else has them, or it went back. */
  async #giveUp(fenced: readonly OwnedPartition[]): Promise<void> {
    const { cursors, claims, log } = this.#parts;
    if (fenced.length === 0) return;
    await cursors.look().catch((error: unknown) => log.debug({ err: error }, 'fenced, and no why'));
    for (const claim of fenced) {
      const { partition, epoch } = claim;
      const detail = `the claim under our epoch ${epoch} has ended`;
      const loss = cursors.lossOf(claim) ?? { code: 'fenced', detail };
      if (loss.code === 'fenced')
        log.warn(
          { partition },
          'our claim has ended: somebody else has the partition, or its topic has new rules',
        );
      claims.claimLater(partition, loss);
    }
  }

  #noteCommitted({ claim: owned, end }: SourceSpan<OwnedPartition>): void {
    const { metrics } = this.#parts;
    owned.committedOffset = end;
    if (owned.handoverSinceMs !== null) {
      metrics.handoverSeconds.record((performance.now() - owned.handoverSinceMs) / 1000);
      owned.handoverSinceMs = null;
    }
  }

  /** Nothing is in flight: halt, answer the group, claim what is prepared. */
  async #settle(): Promise<void> {
    const { consumer, filler, watch, cursors, ownership, claims } = this.#parts;
    const { committer, metrics } = this.#parts;
    // What a reader finds may be another topic's under the same name: the watch knows better.
    if (filler.halts.size > 0) await watch.confirm();
    const halts = new Map([...filler.halts, ...watch.take()]);
    filler.halts.clear();
    for (const [owned, halt] of halts) {
      // Retention took only what was in hand when the log was looked at, and by now it is committed.
      const isOver = halt.code === 'truncated' && owned.committedOffset >= (halt.resumeAt ?? 0);
      if (ownership.isCurrent(owned) && !isOver)
        await claims.halt(owned, halt, this.#parts.abandoned);
    }
    for (const owned of filler.stalled) {
      if (!ownership.isCurrent(owned)) continue;
      const detail = `the client delivered nothing from offset ${owned.readOffset} on`;
      claims.claimLater(owned.partition, { code: 'delivers_nothing', detail });
    }
    filler.stalled.clear();
    for (const [owned, loss] of cursors.take()) {
      if (ownership.isCurrent(owned)) claims.claimLater(owned.partition, loss);
    }
    for (const event of consumer.takeRebalances()) await this.#rebalance(event);
    await this.#prepareClaims();
    const claimed = await claims.takeUp(this.#parts.abandoned);
    if (claimed !== null) {
      committer.horizonMs = claimed.horizonMs;
      this.#readBy(claimed.rules);
    }
    metrics.ownedPartitions.set(ownership.allOwned().length);
  }

  #readBy(rules: TopicRules): void {
    if (changedRules(rules, this.#topicRules).length > 0)
      this.#parts.log.info(
        { rules },
        'records are read by other rules of their topic from here on',
      );
    this.#topicRules = rules;
  }

  /** Where all is well that takes a few milliseconds, and partitions that were granted together start together. */
  async #prepareClaims(): Promise<void> {
    const stopWaiting = new AbortController();
    const prepared = this.#parts.claims.prepareDue().then(() => stopWaiting.abort());
    await Promise.race([prepared, pause(PREPARING_WAIT_MS, stopWaiting.signal)]);
  }

  async #rebalance(event: RebalanceEvent): Promise<void> {
    const { letGo, consumer, ownership, claims, log } = this.#parts;
    log.info({ change: event.kind, partitions: event.partitions, lost: event.lost }, 'assignment');
    switch (event.kind) {
      case 'granted':
        for (const partition of event.partitions) ownership.grant(partition, performance.now());
        break;
      case 'revoked': {
        const owned = event.partitions
          .map((partition) => ownership.revoke(partition))
          .filter((partition): partition is OwnedPartition => partition !== null);
        claims.exportHalts();
        await letGo?.(event.partitions);
        await claims.release(owned);
        break;
      }
      default:
        event.kind satisfies never;
    }
    consumer.settle(event);
    if (event.kind === 'revoked') this.#parts.gaveBack?.();
  }
}
