import { VERDICT, type EventBatch } from '@adtally/event-schema';
import { tableSizeFor } from './table-size.ts';

/**
 * Finds the first row (lowest index) of every key in a batch: the only copy that may go the fast
 * way, so that routing cannot choose which payload wins. An open-addressing table over the key
 * bytes; allocated once, no strings.
 */
export class FirstCopies {
  /** 1 where the row is an event and no earlier row has its key. */
  readonly isFirst: Uint8Array;
  readonly #slots: Int32Array; // row + 1; 0 = free
  readonly #mask: number;

  constructor(capacity: number) {
    this.isFirst = new Uint8Array(capacity);
    this.#slots = new Int32Array(tableSizeFor(capacity));
    this.#mask = this.#slots.length - 1;
  }

  find(batch: EventBatch): void {
    const keys = batch.eventKey;
    const slots = this.#slots;
    slots.fill(0);
    for (let row = 0; row < batch.count; row += 1) {
      this.isFirst[row] = 0;
      if (batch.verdict[row] !== VERDICT.event) continue;
      // The first bytes of the key are hash output already.
      let slot = keys.readInt32LE(row * 16) & this.#mask;
      let taken = slots[slot] as number;
      while (taken !== 0 && !sameKey(keys, row, taken - 1)) {
        slot = (slot + 1) & this.#mask;
        taken = slots[slot] as number;
      }
      if (taken !== 0) continue;
      slots[slot] = row + 1;
      this.isFirst[row] = 1;
    }
  }
}

function sameKey(keys: Buffer, a: number, b: number): boolean {
  for (let at = 0; at < 16; at += 4) {
    if (keys.readInt32LE(a * 16 + at) !== keys.readInt32LE(b * 16 + at)) return false;
  }
  return true;
}
