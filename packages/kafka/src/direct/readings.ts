import type { RecordSpans } from '../record-batch/record-spans.ts';
import type { Hindrance } from '../record-source.ts';
import type { PartitionReading, ReadFault } from './partition-reading.ts';

/** The partitions that are read, by number, those at fault included. */
export class Readings extends Map<number, PartitionReading> {
  #lastServed = -1;

  /** Whether any has records to be handed out. */
  get hasRecords(): boolean {
    for (const reading of this.values()) if (reading.hasRecords) return true;
    return false;
  }

  /** Bytes fetched and not handed out yet. */
  get heldBytes(): number {
    let held = 0;
    for (const reading of this.values()) held += reading.queuedBytes;
    return held;
  }

  /** Whether this one is still read, and not another of its partition. */
  holds(reading: PartitionReading): boolean {
    return this.get(reading.partition) === reading;
  }

  get hasFaults(): boolean {
    for (const { fault } of this.values()) if (fault !== null) return true;
    return false;
  }

  /** Of those that are read no further. */
  faults(): Map<number, ReadFault> {
    const faults = new Map<number, ReadFault>();
    for (const { partition, fault } of this.values()) {
      if (fault !== null) faults.set(partition, fault);
    }
    return faults;
  }

  /** Of those that nothing comes of for now. */
  hindrances(): Map<number, Hindrance> {
    const hindrances = new Map<number, Hindrance>();
    for (const { partition, hindrance, fault } of this.values()) {
      if (hindrance !== null && fault === null) hindrances.set(partition, hindrance);
    }
    return hindrances;
  }

  /**
   * Appends records until the spans are full or nothing is left. Each partition has an equal share before any has more: none
   * starves, and a small read has of all of them. What remains goes to another one first each time.
   */
  readInTurn(into: RecordSpans): void {
    const { limit } = into;
    const inTurn = this.#inTurn();
    const share = Math.max(1, Math.floor((limit - into.count) / Math.max(1, inTurn.length)));
    const [first] = inTurn;
    if (first !== undefined) this.#lastServed = first.partition;
    for (const reading of inTurn) {
      if (into.isFull) {
        // The next read begins with those that had nothing of this one.
        this.#lastServed = reading.partition - 1;
        break;
      }
      into.limit = Math.min(limit, into.count + share);
      reading.read(into);
      into.limit = limit;
    }
    for (const reading of inTurn) reading.read(into);
  }

  /** Those with records, the one after the last served first. */
  #inTurn(): PartitionReading[] {
    const ready = [...this.values()]
      .filter((one) => one.hasRecords)
      .toSorted((a, b) => a.partition - b.partition);
    const first = ready.findIndex((one) => one.partition > this.#lastServed);
    return first < 1 ? ready : [...ready.slice(first), ...ready.slice(0, first)];
  }
}
