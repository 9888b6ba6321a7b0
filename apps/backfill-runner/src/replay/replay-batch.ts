import type { ReplayState } from './runs/advance-replay.ts';
import type { ToldOutcomes } from './runs/told-outcomes.ts';
import { VERDICT, type SourceRecord } from '@adtally/event-schema';
import { BatchWork, classify, type ClassifyRules } from '@adtally/pipeline';
import type { Lane } from './lane.ts';

/** Codes the database gives to rows it does not take; all others are the decoder's and the clock's. */
const REFUSALS: ReadonlySet<string> = new Set(['data_refused', 'transient_downstream']);

/**
 * A batch of one partition of a replay. Only its events are written: they take the next positions of the
 * run's own source, in order and without a hole. Every other record is dropped from the batch and only
 * counted, so that the ledger of a replay never has a dead letter.
 */
export class ReplayBatch {
  readonly work: BatchWork;
  #lane: Lane | null = null;
  /** The offset of the topic that is read next. */
  #readOffset = 0;
  #gap = 0;
  #missing = 0;
  #discarded = 0;
  #knownConflicts = 0;
  #events = 0;

  constructor(capacity: number) {
    this.work = new BatchWork(capacity);
  }

  /** Empties it for the next records of a lane. */
  open(lane: Lane): void {
    this.work.clear();
    this.#lane = lane;
    this.#readOffset = lane.state.next;
    this.#gap = 0;
    this.#missing = 0;
    this.#discarded = 0;
    this.#knownConflicts = 0;
    this.#events = 0;
  }

  get lane(): Lane {
    if (this.#lane === null) throw new Error('no batch is open');
    return this.#lane;
  }

  get count(): number {
    return this.work.batch.count;
  }

  get readOffset(): number {
    return this.#readOffset;
  }

  /** True once the lane's range is read to its end. */
  get isLast(): boolean {
    return this.#readOffset >= this.lane.end;
  }

  /** Rows that are to be written. */
  get events(): number {
    return this.#events;
  }

  /** Takes the record in where it is still in the range; offsets before it hold no record. */
  add(record: SourceRecord): void {
    if (record.offset < this.#readOffset) return;
    this.passGap(record.offset);
    if (this.isLast) return;
    this.work.batch.append(record, this.lane.claim.sourceId);
    this.#readOffset = record.offset + 1;
  }

  /** Passes offsets that are never delivered to anybody: markers, aborted records, what compaction took. */
  passGap(offset: number): void {
    this.#gap += this.#passTo(offset);
  }

  /** Passes offsets that the log has lost. */
  passMissing(offset: number): void {
    this.#missing += this.#passTo(offset);
  }

  /** How many offsets that were. */
  #passTo(offset: number): number {
    const from = this.#readOffset;
    this.#readOffset = Math.max(from, Math.min(offset, this.lane.end));
    return this.#readOffset - from;
  }

  /** Decides every row; `told` says whose outcome stands already. */
  classify(rules: ClassifyRules & { readonly horizonMs: number }, told: ToldOutcomes): void {
    const { batch } = this.work;
    this.work.horizonMs = rules.horizonMs;
    classify(batch, 0, rules);
    for (let row = 0; row < batch.count; row += 1) {
      const offset = batch.places.offset[row] as number;
      if (told.discarded.has(offset)) this.#discarded += 1;
      else if (told.conflicts.has(offset)) this.#knownConflicts += 1;
      else continue;
      batch.verdict[row] = VERDICT.dropped;
      batch.rejections.delete(row);
    }
    this.number();
  }

  /**
   * Takes rejected rows out of the batch and numbers the events that are left. Asked again whenever a row
   * turns out not to be written: nothing of the batch is committed then, so that the others move up.
   */
  number(): void {
    const { batch, spans } = this.work;
    const { claim, state } = this.lane;
    let position = state.written;
    for (let row = 0; row < batch.count; row += 1) {
      if (batch.verdict[row] === VERDICT.rejected) batch.verdict[row] = VERDICT.dropped;
      if (batch.verdict[row] !== VERDICT.event) continue;
      batch.replace(row, { ...batch.record(row), offset: position });
      position += 1;
    }
    this.#events = position - state.written;
    spans.clear();
    if (this.#events === 0) return;
    const firstAppendMs = batch.record(0).timestamp ?? 0;
    spans.set(claim.sourceId, {
      claim,
      first: state.written,
      end: position,
      gap: 0,
      firstAppendMs,
    });
  }

  /** Where the lane stands once this batch is committed. */
  reached(): ReplayState {
    const { state } = this.lane;
    const codes: Record<string, number> = { ...state.codes };
    let [rejected, refused] = [state.rejected, state.refused];
    for (const { code } of this.work.batch.rejections.values()) {
      codes[code] = (codes[code] ?? 0) + 1;
      if (REFUSALS.has(code)) refused += 1;
      else rejected += 1;
    }
    return {
      next: this.#readOffset,
      written: state.written + this.#events,
      rejected,
      refused,
      discarded: state.discarded + this.#discarded,
      knownConflicts: state.knownConflicts + this.#knownConflicts,
      gap: state.gap + this.#gap,
      missing: state.missing + this.#missing,
      codes,
    };
  }
}
