import { countMissingDays } from '@adtally/db';
import { DAY_METRICS } from '../metrics.ts';
import type { Figures } from './figures.ts';

/** Days that are to have a partition by now and have none. */
export const dayFigures: Figures = {
  name: 'event days',
  metrics: DAY_METRICS,
  async tell(session, metrics) {
    // Only which days are looked at depends on this clock, as with whoever makes them.
    metrics.eventDaysBlocked.set(await countMissingDays(session, { now: Date.now() }));
  },
};
