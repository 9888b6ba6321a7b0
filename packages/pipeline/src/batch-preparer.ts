import type { Deduplicator } from '@adtally/dedup';
import { rejectedRows } from '@adtally/db';
import { inStep } from '@adtally/telemetry';
import type { BatchWork } from './batch-work.ts';
import { rejectExpired } from './classify.ts';
import type { CommitCompanion } from './commit-companion.ts';
import type { CommitMetrics } from './metrics.ts';

export interface PreparerParts {
  readonly dedup: Deduplicator;
  readonly companion: CommitCompanion;
  readonly metrics: CommitMetrics;
}

/** Steps 4 and 5 of the commit protocol: what a batch needs before it may be written, outside of the database. */
export class BatchPreparer {
  readonly #parts: PreparerParts;
  /** The retention horizon that batches are held against. */
  horizonMs = 0;

  constructor(parts: PreparerParts) {
    this.#parts = parts;
  }

  /** Routes the rows and makes rejections safe. Throws `Abandoned` when the signal fires. */
  async prepare(work: BatchWork, signal: AbortSignal): Promise<void> {
    const { dedup, metrics } = this.#parts;
    // The batch was being read while one before it found the horizon moved.
    this.#rejectExpired(work);
    const { fast, verified, unasked } = await dedup.route(work.batch);
    metrics.routedEvents.add(fast, { route: 'fast' });
    metrics.routedEvents.add(verified, { route: 'verified' });
    metrics.routedEvents.add(unasked, { route: 'unasked' });
    await this.secure(work, rejectedRows(work.batch), signal);
    work.isPrepared = true;
  }

  /** Rejects what has become older than the horizon since the batch was held against it. */
  async expire(work: BatchWork, signal: AbortSignal): Promise<void> {
    await this.secure(work, this.#rejectExpired(work), signal);
  }

  /** Makes these rejected rows safe outside of the database. */
  async secure(work: BatchWork, rows: readonly number[], signal: AbortSignal): Promise<void> {
    const { companion } = this.#parts;
    if (rows.length === 0 || companion.secure === undefined) return;
    const secured = () => Promise.resolve(companion.secure?.(work.batch, rows, signal));
    await inStep(work.trace, 'dead-letter', secured);
  }

  #rejectExpired(work: BatchWork): number[] {
    if (work.horizonMs === this.horizonMs) return [];
    work.horizonMs = this.horizonMs;
    return rejectExpired(work.batch, 0, this.horizonMs);
  }
}
