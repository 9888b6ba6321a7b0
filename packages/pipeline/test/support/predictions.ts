import type { Deduplicator } from '@adtally/dedup';
import { ROUTE, VERDICT } from '@adtally/event-schema';
import { NO_REDIS } from './test-writer.ts';

/**
 * Predicts as it is told, right or wrong, within what routing may do: of the copies of a key in a batch
 * only the first can go the fast way.
 */
export function predicting(
  isNew: (key: string) => boolean,
  asNew: 'fast' | 'unasked' | ((key: string) => 'fast' | 'unasked') = 'fast',
): Deduplicator {
  return {
    ready: () => NO_REDIS.ready(0),
    async route(batch) {
      const met = new Set<string>();
      const counts = { fast: 0, unasked: 0, verified: 0 };
      for (let row = 0; row < batch.count; row++) {
        if (batch.verdict[row] !== VERDICT.event) continue;
        const key = batch.eventKey.toString('hex', row * 16, row * 16 + 16);
        const fastAs = typeof asNew === 'string' ? asNew : asNew(key);
        const route = !met.has(key) && isNew(key) ? fastAs : 'verified';
        batch.route[row] = ROUTE[route];
        met.add(key);
        counts[route] += 1;
      }
      return { ...counts, outcome: 'answered' };
    },
    close: async () => undefined,
  };
}

export const EVERYTHING_NEW = predicting(() => true);

/** Of nothing worth a question. */
export const UNASKED = predicting(() => true, 'unasked');

/** Knows the keys it was asked for: a Redis that never forgets. */
export function remembering(): Deduplicator {
  const known = new Set<string>();
  return predicting((key) => {
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
}
