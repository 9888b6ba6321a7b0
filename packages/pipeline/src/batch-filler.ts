import type { EventBatch } from '@adtally/event-schema';
import { ReadFault, RecordObjects, type FetchedRecords, type RecordSource } from '@adtally/kafka';
import type { Admission } from './admission.ts';
import type { BatchWork, SourceSpan } from './batch-work.ts';
import type { ClassifyRules } from './classify.ts';
import { FetchWindow } from './fetch-window.ts';
import { haltForFault, holeHalt, type Halt } from './halt.ts';
import type { OwnedPartition, Ownership } from './ownership.ts';

/** Decides the undecided rows from `fromRow` on. */
export type Classifier = (batch: EventBatch, fromRow: number, rules: ClassifyRules) => void;

export interface FillerOptions {
  readonly classify: Classifier;
  /**
   * How long after the batch before it one that has records may wait to be filled: what comes after a rest is
   * handed over at once, and commits are never closer than this.
   */
  readonly lingerMs: number;
  /** Compacted and transactional topics have offsets without a record; all others may not. */
  readonly mayHaveGaps: boolean;
}

/** What the loop wants of a fill. */
export interface FillControl {
  /** True while there is no hurry: the batch may grow beyond its linger time. */
  mayLinger(): boolean;
  /** True when the loop has something else to do. */
  mustReturn(): boolean;
}

/** How long one fetch waits for a first record: also how soon the loop notices anything else. */
const FETCH_WAIT_MS = 50;
/**
 * How long a batch may grow while each fetch brings all it asked for: the fewer batches, the sooner we catch up. A process at its
 * pace fills the largest in less; one that has just started takes five times as long for a row, and commits what it has.
 */
const BEHIND_LINGER_MS = 40;
const NOTHING = new RecordObjects([]);
/** Bytes of records after which a batch counts as full: three are held in memory, each sent in one statement. */
const BATCH_BYTES_MAX = 40 * 1_024 * 1_024;

/**
 * Step 2 and 3 of the commit protocol: gathers records of owned partitions into a batch and classifies
 * them as they come. Offsets must be contiguous; a hole ends the partition's part of the batch, and so does
 * an allowance that is used up.
 */
export class BatchFiller {
  readonly #source: Pick<RecordSource, 'read' | 'position'>;
  readonly #ownership: Ownership;
  readonly #admission: Admission;
  readonly #options: FillerOptions;
  readonly #window = new FetchWindow();
  /** When the last batch was handed over, on the monotonic clock. */
  #handedOverMs = Number.NEGATIVE_INFINITY;
  /** The first batch of a process is what its first fetch brings: with its commit the pause of a deployment is over. */
  #isFirst = true;
  /** Partitions that must be halted before anything else of theirs is read. */
  readonly halts = new Map<OwnedPartition, Halt>();
  /** Partitions the client stopped reading, for whatever reason: to be claimed again. */
  readonly stalled = new Set<OwnedPartition>();

  constructor(
    source: Pick<RecordSource, 'read' | 'position'>,
    ownership: Ownership,
    admission: Admission,
    options: FillerOptions,
  ) {
    this.#source = source;
    this.#ownership = ownership;
    this.#admission = admission;
    this.#options = options;
  }

  /**
   * Fills the batch until it is full, has lingered, or the loop has something else to do. An empty batch
   * means that there was nothing to read.
   */
  async fill(
    work: BatchWork<OwnedPartition>,
    rules: ClassifyRules,
    control: FillControl,
  ): Promise<void> {
    const { batch } = work;
    work.horizonMs = rules.horizonMs;
    const lingerUntilMs = this.#handedOverMs + this.#options.lingerMs;
    let behindUntilMs = Number.NEGATIVE_INFINITY;
    let isBehind: boolean;
    do {
      const wasEmpty = batch.count === 0;
      const lingerLeftMs = Math.max(1, lingerUntilMs - performance.now());
      const waitMs = wasEmpty ? FETCH_WAIT_MS : Math.min(FETCH_WAIT_MS, lingerLeftMs);
      const asked = this.#window.limit(batch.capacity - batch.count);
      this.#admission.beforeFetch(performance.now());
      const records = await this.#fetch(asked, waitMs);
      if (wasEmpty) behindUntilMs = performance.now() + BEHIND_LINGER_MS;
      isBehind = records.count >= asked && performance.now() < behindUntilMs;
      const from = batch.count;
      this.#take(work, records);
      this.#options.classify(batch, from, rules);
      this.#admission.afterClassify(work, from, performance.now());
      this.#passGaps(work);
      if (batch.count === 0) return;
    } while (
      !this.#isFirst &&
      !batch.isFull &&
      work.bytes < BATCH_BYTES_MAX &&
      (isBehind || performance.now() < lingerUntilMs || control.mayLinger()) &&
      !control.mustReturn()
    );
    this.#isFirst = false;
    this.#handedOverMs = performance.now();
  }

  #take(work: BatchWork<OwnedPartition>, records: FetchedRecords): void {
    let largestBytes = 0;
    for (let index = 0; index < records.count; index += 1) {
      const bytes = records.heldBytes(index);
      if (bytes > largestBytes) largestBytes = bytes;
      this.#append(work, records, index, bytes);
    }
    if (records.count > 0) this.#window.learn(largestBytes);
  }

  async #fetch(maxRecords: number, waitMs: number): Promise<FetchedRecords> {
    try {
      return await this.#source.read(maxRecords, waitMs);
    } catch (error) {
      if (!(error instanceof ReadFault)) throw error;
      this.#noteFault(error);
      return NOTHING;
    }
  }

  #append(
    work: BatchWork<OwnedPartition>,
    records: FetchedRecords,
    index: number,
    bytes: number,
  ): void {
    const owned = this.#ownership.owned(records.partition(index));
    const offset = records.offset(index);
    // Not ours (any more), standing before a hole, or read before this claim.
    if (owned === undefined || this.halts.has(owned) || offset < owned.readOffset) return;
    if (owned.allowance === 0) return this.#admission.hold(owned);
    owned.allowance -= 1;
    if (offset > owned.readOffset && !this.#mayPass(owned, offset)) return;
    const span = this.#spanOf(work, owned, Math.max(0, records.timestampMs(index)));
    span.gap += offset - owned.readOffset;
    span.end = offset + 1;
    owned.readOffset = span.end;
    records.appendTo(work.batch, index, owned.sourceId);
    work.bytes += bytes;
  }

  /**
   * What lies behind the last record and can never be delivered: the cursor follows over it though no record
   * may ever come to take it along, or the partition would lag for ever, and be short of records that
   * retention takes and nobody missed.
   */
  #passGaps(work: BatchWork<OwnedPartition>): void {
    for (const owned of this.#ownership.allOwned()) {
      const position = this.#source.position(owned.partition);
      if (position === undefined || position <= owned.readOffset) continue;
      // Past records that were not let through the position says nothing.
      if (owned.allowance === 0 || this.halts.has(owned)) continue;
      if (!this.#mayPass(owned, position)) continue;
      const span = this.#spanOf(work, owned, Date.now());
      span.gap += position - owned.readOffset;
      span.end = position;
      owned.readOffset = position;
    }
  }

  /** Whether offsets up to `next` may be missing; else the partition is to be halted. */
  #mayPass(owned: OwnedPartition, next: number): boolean {
    if (this.#options.mayHaveGaps) return true;
    this.halts.set(owned, holeHalt(owned.readOffset, next));
    return false;
  }

  #spanOf(
    work: BatchWork<OwnedPartition>,
    owned: OwnedPartition,
    firstAppendMs: number,
  ): SourceSpan<OwnedPartition> {
    let span = work.spans.get(owned.sourceId);
    if (span === undefined) {
      const { readOffset } = owned;
      span = { claim: owned, first: readOffset, end: readOffset, gap: 0, firstAppendMs };
      work.spans.set(owned.sourceId, span);
    }
    return span;
  }

  /** What names no halt a claim finds out: it looks at the topic's id before it compares cursor and log. */
  #noteFault(fault: ReadFault): void {
    const halt = haltForFault(fault);
    const concerned =
      fault.partition === undefined
        ? this.#ownership.allOwned()
        : [this.#ownership.owned(fault.partition)].filter((owned) => owned !== undefined);
    for (const owned of concerned) {
      if (halt === null) this.stalled.add(owned);
      else this.halts.set(owned, halt);
    }
  }
}
