import type { SourceCounts } from './cause-words.ts';

/** So many sources of a cause are told apart: a producer may name itself anew with each record. */
const SOURCES_MAX = 20;

/** Counts who sent records, of a bounded number of sources. */
export class SourceTally {
  readonly #bySource: Map<string, number>;
  #others: number;

  constructor(start: SourceCounts = { bySource: {}, others: 0 }) {
    this.#bySource = new Map(Object.entries(start.bySource));
    this.#others = start.others;
  }

  add(source: string, records = 1): void {
    const known = this.#bySource.get(source);
    if (known === undefined && this.#bySource.size >= SOURCES_MAX) this.#others += records;
    else this.#bySource.set(source, (known ?? 0) + records);
  }

  merge(counts: SourceCounts): void {
    for (const [source, records] of Object.entries(counts.bySource)) this.add(source, records);
    this.#others += counts.others;
  }

  counts(): SourceCounts {
    return { bySource: Object.fromEntries(this.#bySource), others: this.#others };
  }
}
