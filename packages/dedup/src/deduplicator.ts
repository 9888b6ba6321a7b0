import type { EventBatch } from '@adtally/event-schema';

/** What one `route` call did, by route; in all, rows with verdict `event`. */
export interface RouteStats {
  readonly fast: number;
  readonly verified: number;
  readonly unasked: number;
  /** `answered`, or why everything was routed the verified way. */
  readonly outcome: 'answered' | FailureKind | 'off';
}

/**
 * - `error`: Redis is away or refused.
 * - `timeout`: no answer within the budget.
 * - `skipped`: not asked, since Redis has not answered lately.
 */
export type FailureKind = 'error' | 'timeout' | 'skipped';

export type DedupEvent =
  | {
      readonly type: 'failure';
      readonly operation: 'route' | 'mark';
      readonly kind: FailureKind;
      readonly error?: Error;
    }
  | { readonly type: 'connected' }
  | { readonly type: 'disconnected'; readonly error?: Error };

/**
 * Remembers which keys were stored lately and by that predicts the write path. It never decides
 * that an event is dropped: any answer, wrong ones included, only changes speed (I10).
 */
export interface Deduplicator {
  /** Waits until the first connection is up, at most so long; false = it is not, and that is fine. */
  ready(timeoutMs: number): Promise<boolean>;
  /**
   * Sets `batch.route` of every row with verdict `event`: `fast` where the key is new and this is its
   * first row in the batch, `unasked` where it is that and was not worth a question, else `verified`. Remembers the
   * keys in the same breath, though nothing is committed yet: so the next batch is told of them, and a key whose commit
   * fails is only written the slower way when it comes again. Never rejects; takes about `budgetMs` at most. One call at a time.
   */
  route(batch: EventBatch): Promise<RouteStats>;
  close(): Promise<void>;
}
