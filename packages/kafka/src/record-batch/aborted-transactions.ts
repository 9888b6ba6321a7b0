import type { BatchHeader } from './batch-header.ts';

/** A transaction that was aborted, as a fetch under read_committed names it. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  /** Of its first record in the partition. */
  readonly firstOffset: number;
}

/**
 * Which batches of one fetched piece of log belong to aborted transactions. Read in order of offset, each
 * batch once: a producer's transaction counts as aborted from its first record to its abort marker.
 */
export class AbortedTransactions {
  readonly #waiting: AbortedTransaction[];
  readonly #open = new Set<bigint>();

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  }

  /** True where the records of the batch were never committed. */
  holds({ isTransactional, isControl, producerId, lastOffset }: BatchHeader): boolean {
    while (this.#waiting[0] !== undefined && this.#waiting[0].firstOffset <= lastOffset) {
      this.#open.add((this.#waiting.shift() as AbortedTransaction).producerId);
    }
    return isTransactional && !isControl && this.#open.has(producerId);
  }

  /** An abort marker was read: what follows of this producer is of another transaction. */
  end(producerId: bigint): void {
    this.#open.delete(producerId);
  }
}
