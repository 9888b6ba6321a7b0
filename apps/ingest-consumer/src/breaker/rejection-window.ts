import { REJECTION_CODES, type RejectionCode } from '@adtally/event-schema';

const GOOD = 0;
/** A cell holds `GOOD`, or one more than the code's place in the list. */
const CELL_OF = new Map<RejectionCode, number>(
  REJECTION_CODES.map((code, index) => [code, index + 1]),
);

/** The outcomes of the last records of one partition: how many were rejected, and under which codes. */
export class RejectionWindow {
  readonly #cells: Uint8Array;
  /** Where the next outcome goes. */
  #at = 0;
  #records = 0;
  #rejected = 0;

  /** Remembers at most `size` records, one byte each. */
  constructor(size: number) {
    this.#cells = new Uint8Array(size);
  }

  get size(): number {
    return this.#cells.length;
  }

  /** Records it holds, at most `size`. */
  get records(): number {
    return this.#records;
  }

  get rejected(): number {
    return this.#rejected;
  }

  get isFull(): boolean {
    return this.#records === this.size;
  }

  addRejected(code: RejectionCode): void {
    this.#push(CELL_OF.get(code) as number);
    this.#rejected += 1;
  }

  addGood(count: number): void {
    // Where nothing was rejected all cells are alike, and their order means nothing.
    if (this.#rejected === 0) this.#records = Math.min(this.size, this.#records + count);
    else for (let left = Math.min(count, this.size); left > 0; left -= 1) this.#push(GOOD);
  }

  /** A record that was taken for good was rejected after all: the newest good one stands for it. */
  turnOneBad(code: RejectionCode): void {
    for (let back = 1; back <= this.#records; back += 1) {
      const cell = (this.#at - back + this.size) % this.size;
      if (this.#cells[cell] !== GOOD) continue;
      this.#cells[cell] = CELL_OF.get(code) as number;
      this.#rejected += 1;
      return;
    }
  }

  /** Rejections by code, the most frequent first. */
  codes(): Partial<Record<RejectionCode, number>> {
    const counts = new Map<number, number>();
    for (const cell of this.#cells) {
      if (cell !== GOOD) counts.set(cell, (counts.get(cell) ?? 0) + 1);
    }
    const sorted = [...counts].toSorted(([, left], [, right]) => right - left);
    return Object.fromEntries(sorted.map(([cell, count]) => [REJECTION_CODES[cell - 1], count]));
  }

  #push(cell: number): void {
    if (this.#cells[this.#at] !== GOOD) this.#rejected -= 1;
    this.#cells[this.#at] = cell;
    this.#at = (this.#at + 1) % this.size;
    this.#records = Math.min(this.size, this.#records + 1);
  }
}
