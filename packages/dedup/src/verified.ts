import { ROUTE, VERDICT, type EventBatch } from '@adtally/event-schema';
import type { RouteStats } from './deduplicator.ts';

/** Of so many events, all of them verified. */
export const allVerified = (events: number, outcome: RouteStats['outcome']): RouteStats => ({
  fast: 0,
  verified: events,
  unasked: 0,
  outcome,
});

/** Routes every row the verified way, the answer that needs no Redis; returns the rows that are events. */
export function routeAllVerified(batch: EventBatch): number {
  batch.route.fill(ROUTE.verified, 0, batch.count);
  let events = 0;
  for (let row = 0; row < batch.count; row += 1) {
    if (batch.verdict[row] === VERDICT.event) events += 1;
  }
  return events;
}
