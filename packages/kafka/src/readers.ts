import type { SourceRecord } from '@adtally/event-schema';

interface Reader {
  /** The lowest offset still to be delivered. */
  next: number;
  /** The group already gave the partition to somebody else: deliver nothing more. */
  lost: boolean;
  /** Time of the last record, start or check, from `performance.now()`. */
  quietSinceMs: number;
  /** Checks, and fetches, since the last record. */
  quietChecks: number;
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

  add(partition: number, offset: number): void {
    this.#readers.set(partition, {
      next: offset,
      lost: false,
      quietSinceMs: performance.now(),
      quietChecks: 0,
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
        partition = record.partition;
        reader = this.#readers.get(partition);
        if (reader !== undefined) {
          reader.quietSinceMs = now;
          reader.quietChecks = 0;
          reader.quietFetches = 0;
        }
      }
      if (reader === undefined || reader.lost || record.offset < reader.next) continue;
      reader.next = record.offset + 1;
      records[kept++] = record;
    }
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

  /** Readers without a record for `quietMs`; asking restarts their clock. */
  takeQuiet(quietMs: number): number[] {
    const now = performance.now();
    const quiet = [];
    for (const [partition, reader] of this.#readers) {
      if (reader.lost || now - reader.quietSinceMs < quietMs) continue;
      reader.quietSinceMs = now;
      reader.quietChecks++;
      quiet.push(partition);
    }
    return quiet;
  }

  isStalled(partition: number, checks: number, fetches: number): boolean {
    const reader = this.#readers.get(partition);
    return reader !== undefined && reader.quietChecks >= checks && reader.quietFetches >= fetches;
  }
}
