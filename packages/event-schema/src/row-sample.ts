/**
 * Some of the rows that were added, evenly among all of them, and how many those were. Which ones follows from the
 * order alone.
 */
export class RowSample {
  /** How many were added. */
  seen = 0;
  readonly rows: number[] = [];
  readonly #max: number;
  /** Every so many are kept. */
  #stride = 1;

  constructor(max: number) {
    this.#max = max;
  }

  add(row: number): void {
    const place = this.seen;
    this.seen += 1;
    if (place % this.#stride !== 0) return;
    if (this.rows.length === this.#max) {
      const kept = this.rows.filter((_row, index) => index % 2 === 0);
      this.rows.splice(0, this.rows.length, ...kept);
      this.#stride *= 2;
      if (place % this.#stride !== 0) return;
    }
    this.rows.push(row);
  }

  clear(): void {
    this.seen = 0;
    this.rows.length = 0;
    this.#stride = 1;
  }
}
