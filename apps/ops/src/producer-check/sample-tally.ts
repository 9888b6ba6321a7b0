import { EventBatch, type DecodeLimits, type SourceRecord } from '@adtally/event-schema';
import { classify } from '@adtally/pipeline';
import { peek } from './peek.ts';
import { SourceTally } from './source-tally.ts';

export interface SampleRules {
  readonly partitions: number;
  readonly limits: DecodeLimits;
  readonly sourceHeader: string | undefined;
  readonly nowMs: number;
}

/** Of records that name no source; alone, it stands for all. */
export const UNNAMED = '';
/** Of those past the most that are told apart. */
export const OTHERS = '(others)';
/** A producer may put anything there, a new word a record too. */
const SOURCES_MAX = 32;

/** Judges records one by one as ingest would, and adds them up by who sent them. */
export class SampleTally {
  readonly bySource = new Map<string, SourceTally>();
  readonly #rules: SampleRules;
  /** One row: what a batch tells of all its rows is then of this record. */
  readonly #batch = new EventBatch(1);

  constructor(rules: SampleRules) {
    this.#rules = rules;
  }

  add(record: SourceRecord): void {
    const { partitions, limits, sourceHeader, nowMs } = this.#rules;
    const batch = this.#batch;
    batch.clear();
    batch.append(record, 0);
    // What is `expired` depends on a database, which a producer team does not have.
    classify(batch, 0, { horizonMs: null, partitions, limits });
    const { source, impressionId } = peek(record, sourceHeader);
    this.#tallyOf(source ?? UNNAMED).add(record, batch, impressionId, nowMs);
  }

  #tallyOf(source: string): SourceTally {
    const isTold = this.bySource.has(source) || this.bySource.size < SOURCES_MAX;
    const name = isTold ? source : OTHERS;
    const known = this.bySource.get(name);
    if (known !== undefined) return known;
    const tally = new SourceTally(this.#rules.partitions);
    this.bySource.set(name, tally);
    return tally;
  }
}
