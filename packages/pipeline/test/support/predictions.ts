import type { Deduplicator } from '@adtally/dedup';
import { ROUTE, VERDICT } from '@adtally/event-schema';
import { NO_REDIS } from './test-writer.ts';

/**
 * Predicts as it is told, right or wrong, within what routing may do: of the copies of a key in a batch
 * only the first can go the fast way.
 */
export function predicting(
  isNew: (key: string) => boolean,
  asNew: number = ROUTE.fast,
): Deduplicator {
  return {
    ready: () => NO_REDIS.ready(0),
    async route(batch) {
      const met = new Set<string>();
      let fast = 0;
      let events = 0;
      for (let row = 0; row < batch.count; row++) {
        if (batch.verdict[row] !== VERDICT.event) continue;
        const key = batch.eventKey.toString('hex', row * 16, row * 16 + 16);
        const isFast = !met.has(key) && isNew(key);
        batch.route[row] = isFast ? asNew : ROUTE.verified;
        met.add(key);
        events += 1;
        fast += Number(isFast);
      }
      return { fast, verified: events - fast, unasked: 0, outcome: 'answered' };
    },
    close: async () => undefined,
  };
}

export const EVERYTHING_NEW = predicting(() => true);

/** Of nothing worth a question. */
export const UNASKED = predicting(() => true, ROUTE.unasked);

/** Knows the keys it was asked for: a Redis that never forgets. */
export function remembering(): Deduplicator {
  const known = new Set<string>();
  return predicting((key) => {
    const isNew = !known.has(key);
    known.add(key);
    return isNew;
  });
}
