import { blockedDays } from '@adtally/db';
import { DAY_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** Days whose partition cannot be made, since rows of theirs lie in the default one. */
export const dayFigures: Figures = {
  name: 'event days',
  metrics: DAY_METRICS,
  async tell(session, metrics) {
    // Only which days are looked at depends on this clock, as with whoever makes them.
    metrics.eventDaysBlocked.set((await blockedDays(session, { now: Date.now() })).length);
  },
};
