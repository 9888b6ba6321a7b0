import { EventBatch, type SourceRecord } from '@adtally/event-schema';
import { classify, type ClassifyRules } from '@adtally/pipeline';
import { peek } from './peek.ts';
import { SourceTally } from './source-tally.ts';

export interface SampleRules {
  readonly partitions: number;
  /** As the topic's records are judged, but for where they lie. */
  readonly readBy: Omit<ClassifyRules, 'partitions'>;
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
    const { partitions, readBy, sourceHeader, nowMs } = this.#rules;
    const batch = this.#batch;
    batch.clear();
    batch.append(record, 0);
    classify(batch, 0, { ...readBy, partitions });
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
