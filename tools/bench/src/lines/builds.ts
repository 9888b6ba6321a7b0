import type { ProfileName } from '../preload/profiles.ts';
import { type FigureSpec, type Goal, info } from '../table/figure.ts';
import { DRAIN_FIGURES, drainRuns, problemsOf, rateOf, ratios } from './figures-of-drains.ts';
import { line, type Line } from './line.ts';

/** Null: told without a goal. */
type Goals = Readonly<Record<'rate' | 'cpu' | 'rss', Goal | null>>;

function ratio(goal: Goal | null, means: string): FigureSpec {
  return { unit: 'x', goal, digits: 2, means };
}

/**
 * Drains of one topic by this build and, in turn, by the one it is compared with. Without one the ratios are not
 * measured.
 */
function againstAnotherBuild(profile: ProfileName, goals: Goals): Line {
  return line({
    figures: {
      ...DRAIN_FIGURES,
      rate_before: info('events/s', 'of the build it is compared with'),
      rate_ratio: ratio(goals.rate, 'events/s against that build'),
      cpu_ratio: ratio(goals.cpu, 'CPU an event, all, against that build'),
      rss_ratio: ratio(goals.rss, 'peak memory against that build'),
    },
    measure: async (bench) => {
      const { against } = bench.options;
      const load = await bench.topic(profile);
      const before = against === null ? [] : [() => bench.drain(load, { build: against })];
      const [now = [], other = []] = await bench.inTurn(() => bench.drain(load), ...before);
      return {
        runs: {
          ...drainRuns(now),
          rate_before: other.map(rateOf),
          rate_ratio: ratios(now, other, rateOf),
          cpu_ratio: ratios(now, other, ({ cpuUsPerEvent }) => cpuUsPerEvent.total),
          rss_ratio: ratios(now, other, ({ peakRssBytes }) => peakRssBytes),
        },
        problems: problemsOf(now, other),
      };
    },
  });
}

export const clean = againstAnotherBuild('clean', {
  rate: { atLeast: 1.6 },
  cpu: { atMost: 0.65 },
  rss: { atMost: 0.6 },
});

export const mix = againstAnotherBuild('mix', { rate: { atLeast: 1.6 }, cpu: null, rss: null });
