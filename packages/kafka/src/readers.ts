import type { SourceRecord } from '@adtally/event-schema';
import type { ReadUpTo } from './log-witness.ts';
import type { ReadFrom } from './record-source.ts';

/** Where a reading begins, and what is known to have been read before. */
export interface Start extends ReadFrom {
  readonly offset: number;
}

interface Reader {
  /** The lowest offset still to be delivered. */
  next: number;
  /** The last record delivered, or known from an earlier reading; null where there is none. */
  last: ReadUpTo | null;
  /** The group already gave the partition to somebody else: deliver nothing more. */
  lost: boolean;
  /** Time of the last record or the start, from `performance.now()`. */
  quietSinceMs: number;
  /** The same, or of the last check. */
  uncheckedSinceMs: number;
  /** Fetches since the last record. */
  quietFetches: number;
}

/**
 * The partitions being read, and the filter that keeps every other record out.
 *
 * Exactness rests on two rules. The client drops its own prefetched records of a partition the moment it is
 * unassigned. What a fetch in flight had already taken out by then belongs to a partition that is no reader
 * when the fetch returns, because `GroupConsumer` lets no partition start while a fetch is in flight.
 */
export class Readers {
  readonly #readers = new Map<number, Reader>();

  add(partition: number, offset: number, last: ReadUpTo | null = null): void {
    this.#readers.set(partition, {
      next: offset,
      last,
      lost: false,
      quietSinceMs: performance.now(),
      uncheckedSinceMs: performance.now(),
      quietFetches: 0,
    });
  }

  remove(partition: number): boolean {
    return this.#readers.delete(partition);
  }

  has(partition: number): boolean {
    return this.#readers.has(partition);
  }

  partitions(): number[] {
    return [...this.#readers.keys()];
  }

  /** The next offset this partition will deliver, or undefined when it is not read. */
  position(partition: number): number | undefined {
    return this.#readers.get(partition)?.next;
  }

  /** The last record delivered, or known at the start; null where there is none. */
  lastRead(partition: number): ReadUpTo | null {
    return this.#readers.get(partition)?.last ?? null;
  }

  /** Silences partitions the group took away without asking. */
  lose(partitions: readonly number[]): void {
    for (const partition of partitions) {
      const reader = this.#readers.get(partition);
      if (reader !== undefined) reader.lost = true;
    }
  }

  /** Keeps the records of started partitions at or above their position, in the order given. */
  keep(records: SourceRecord[]): SourceRecord[] {
    const now = performance.now();
    for (const reader of this.#readers.values()) reader.quietFetches++;
    let kept = 0;
    let partition = -1;
    let reader: Reader | undefined;
    // Records come in runs of one partition: one lookup a run.
    for (const record of records) {
      if (record.partition !== partition) {
        noteLast(reader, records[kept - 1]);
        partition = record.partition;
        reader = this.#readers.get(partition);
        if (reader !== undefined) {
          reader.quietSinceMs = now;
          reader.uncheckedSinceMs = now;
          reader.quietFetches = 0;
        }
      }
      if (reader === undefined || reader.lost || record.offset < reader.next) continue;
      reader.next = record.offset + 1;
      records[kept++] = record;
    }
    noteLast(reader, records[kept - 1]);
    records.length = kept;
    return records;
  }

  /** Moves positions to a reached end: between the last record and it lies nothing that is ever delivered. */
  reachEnds(ends: ReadonlyMap<number, number>): void {
    for (const [partition, end] of ends) {
      const reader = this.#readers.get(partition);
      if (reader !== undefined && !reader.lost && end > reader.next) reader.next = end;
    }
  }

  /** Readers without a record, a start or a check for `quietMs`; asking counts as a check. */
  takeUnchecked(quietMs: number): number[] {
    const now = performance.now();
    const quiet = [];
    for (const [partition, reader] of this.#readers) {
      if (reader.lost || now - reader.uncheckedSinceMs < quietMs) continue;
      reader.uncheckedSinceMs = now;
      quiet.push(partition);
    }
    return quiet;
  }

  /** Nothing could be delivered until now: a stall begins to be counted anew. */
  excuseQuiet(): void {
    const now = performance.now();
    for (const reader of this.#readers.values()) {
      reader.quietSinceMs = now;
      reader.quietFetches = 0;
    }
  }

  /** Without a record for so long, and for so many fetches. */
  isStalled(partition: number, quietMs: number, fetches: number): boolean {
    const reader = this.#readers.get(partition);
    return (
      reader !== undefined &&
      performance.now() - reader.quietSinceMs >= quietMs &&
      reader.quietFetches >= fetches
    );
  }
}

/** The client tells a leader's epoch with each record; one from a broker that knows none is without. */
function noteLast(reader: Reader | undefined, last: FromLeader | undefined): void {
  if (reader === undefined || last === undefined || last.offset !== reader.next - 1) return;
  const { leaderEpoch } = last;
  reader.last = leaderEpoch === undefined ? null : { offset: last.offset + 1, leaderEpoch };
}

type FromLeader = SourceRecord & { readonly leaderEpoch?: number };
