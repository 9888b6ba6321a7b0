import type { SourceRange } from '@adtally/db';
import { EventBatch, VERDICT } from '@adtally/event-schema';
import type { TracedWork } from '@adtally/telemetry';
import type { SourceClaim } from './source-claim.ts';

/** What a batch covers of one source. */
export interface SourceSpan<C extends SourceClaim = SourceClaim> {
  readonly claim: C;
  readonly first: number;
  end: number;
  gap: number;
  /** Append time of the first record, in milliseconds since 1970. */
  readonly firstAppendMs: number;
}

/**
 * A batch on its way to the database: rows, and the offsets they cover by source. `C` is what its reader knows of
 * a source it has claimed.
 */
export class BatchWork<C extends SourceClaim = SourceClaim> {
  readonly batch: EventBatch;
  /** By source id. */
  readonly spans = new Map<number, SourceSpan<C>>();
  /** Held by its records: keys, values and headers. */
  bytes = 0;
  /** The horizon its rows were classified against; null where unknown. */
  horizonMs: number | null = null;
  /** Its rows are routed, and its rejections safe: it may be written. */
  isPrepared = false;
  /** Rejections it had when it was filled; the database may add more. */
  rejectedAtFill = 0;
  /** Null where it is not traced. */
  trace: TracedWork | null = null;

  constructor(capacity: number) {
    this.batch = new EventBatch(capacity);
  }

  get isEmpty(): boolean {
    return this.spans.size === 0;
  }

  ranges(): SourceRange[] {
    return [...this.spans.values()].map(({ claim, first, end, gap }) => ({
      sourceId: claim.sourceId,
      epoch: claim.epoch,
      first,
      end,
      gap,
    }));
  }

  /** Forgets one source's rows: they are no longer ours to write. */
  dropSource(sourceId: number): void {
    const { batch } = this;
    this.spans.delete(sourceId);
    for (let row = 0; row < batch.count; row++) {
      if (batch.sourceId[row] === sourceId) batch.verdict[row] = VERDICT.dropped;
    }
  }

  /** Empties it; its trace ends. */
  clear(): void {
    this.trace?.end();
    this.trace = null;
    this.batch.clear();
    this.spans.clear();
    this.bytes = 0;
    this.horizonMs = null;
    this.isPrepared = false;
    this.rejectedAtFill = 0;
  }
}
