import type { EventBatch } from '@adtally/event-schema';

/** The offsets of one source that a batch passes: [first, end). */
export interface SourceRange {
  readonly sourceId: number;
  readonly epoch: number;
  /** The cursor the batch assumes. */
  readonly first: number;
  readonly end: number;
  /** Offsets that hold no record, where the topic may have such. */
  readonly gap: number;
}

/** What the ledger will say of one source's range. */
export interface SourceCounts {
  readonly sourceId: number;
  stored: number;
  duplicate: number;
  conflict: number;
  deadLettered: number;
  /** XOR of the first 64 bits of the keys stored, as two 32-bit words. */
  fingerprintHigh: number;
  fingerprintLow: number;
}

/** What becomes of a consumed record, as the ledger counts it. */
export type Disposition = 'stored' | 'duplicate' | 'conflict' | 'deadLettered';

/** Counts a batch's rows for the ledger, each for its own source. */
export class LedgerCounts {
  readonly #batch: EventBatch;
  readonly #bySource: ReadonlyMap<number, SourceCounts>;

  constructor(batch: EventBatch, ranges: readonly SourceRange[]) {
    this.#batch = batch;
    this.#bySource = new Map(ranges.map(({ sourceId }) => [sourceId, emptyCounts(sourceId)]));
  }

  add(row: number, as: Disposition): void {
    this.#of(row)[as] += 1;
  }

  /** A stored event also goes into its source's fingerprint of keys. */
  addStoredEvent(row: number): void {
    const counts = this.#of(row);
    const at = row * 16;
    const key = this.#batch.eventKey;
    counts.stored += 1;
    counts.fingerprintHigh ^= key.readInt32BE(at);
    counts.fingerprintLow ^= key.readInt32BE(at + 4);
  }

  /** In the order of the ranges. */
  all(): SourceCounts[] {
    return [...this.#bySource.values()];
  }

  /**
   * The call that ends a transaction, with COMMIT in the same message; it answers with the frontier, as
   * `frontier_ms`. Only numbers go into this text: a message of two statements cannot carry parameters.
   *
   * @param ranges ordered by source
   */
  commitCall(ranges: readonly SourceRange[], horizonMs: number, notedBelowMs: number): string {
    const list = (value: (range: SourceRange, of: SourceCounts) => number | bigint): string => {
      const values = ranges.map((range) =>
        value(range, this.#bySource.get(range.sourceId) as SourceCounts),
      );
      return `'{${values.join(',')}}'`;
    };
    const lists = [
      list((range) => range.sourceId),
      list((range) => range.first),
      list((range) => range.end),
      list((range) => range.epoch),
      list((_, of) => of.stored),
      list((_, of) => of.duplicate),
      list((_, of) => of.conflict),
      list((_, of) => of.deadLettered),
      list((range) => range.gap),
      list((_, of) => (BigInt(of.fingerprintHigh) << 32n) | BigInt(of.fingerprintLow >>> 0)),
    ];
    return `SELECT commit_batch(${lists.join(', ')}, ${horizonMs}, ${notedBelowMs}) AS frontier_ms; COMMIT`;
  }

  #of(row: number): SourceCounts {
    const of = this.#bySource.get(this.#batch.sourceId[row] as number);
    if (of === undefined) throw new Error(`row ${row} belongs to no range of this batch`);
    return of;
  }
}

function emptyCounts(sourceId: number): SourceCounts {
  return {
    sourceId,
    stored: 0,
    duplicate: 0,
    conflict: 0,
    deadLettered: 0,
    fingerprintHigh: 0,
    fingerprintLow: 0,
  };
}
