import { type LiveMeasurement, measureLive } from '../live/measure-live.ts';
import { goal, type FigureSpec, type Goal, info } from '../table/figure.ts';
import type { Bench } from './bench.ts';
import { line, type Line } from './line.ts';
import type { LiveSize } from './sizes.ts';

const MEBIBYTE = 1_048_576;

interface Goals {
  readonly p50: Goal | null;
  readonly p99: Goal | null;
}

const milliseconds = (reach: Goal | null, means: string): FigureSpec => ({
  ...info('ms', means, 1),
  goal: reach,
});

/** A steady rate beside a generator on the same cores, the service with its defaults. */
function steady(sizeOf: (bench: Bench) => LiveSize, goals: Goals): Line {
  return line({
    figures: {
      rate: info('events/s', 'appended a second, after warming up'),
      rate_share: goal({ atLeast: 0.99 }, 'x', 'of the rate asked for', 3),
      p50: milliseconds(goals.p50, 'append to committed, half of the events'),
      p99: milliseconds(goals.p99, 'append to committed, 99 % of the events'),
      max: milliseconds(null, 'append to committed, the slowest'),
      lag_growth: goal({ atMost: 0.01 }, 'x', 'growth of the lag, of the rate: 0 is flat', 4),
      cpu: info('us', 'CPU an event, consumer and all servers', 2),
      cpu_consumer: info('us', 'CPU an event, consumer', 2),
      cpu_generator: info('us', 'CPU an event, generator', 2),
      rss: info('MiB', 'peak resident memory of the consumer'),
    },
    measure: async (bench) => {
      const { rate, seconds } = sizeOf(bench);
      const live = await measureLive(bench, rate, seconds);
      const of = (pick: (measured: LiveMeasurement) => number | null) => [pick(live)];
      return {
        runs: {
          rate: of((measured) => measured.rate),
          rate_share: of((measured) => measured.rate / rate),
          p50: of(({ p50Ms }) => p50Ms),
          p99: of(({ p99Ms }) => p99Ms),
          max: of(({ maxMs }) => maxMs),
          lag_growth: of(({ lagGrowth }) => lagGrowth),
          cpu: of(({ cpuUsPerEvent }) => cpuUsPerEvent.total),
          cpu_consumer: of(({ cpuUsPerEvent }) => cpuUsPerEvent.consumer),
          cpu_generator: of(({ generatorCpuUsPerEvent }) => generatorCpuUsPerEvent),
          rss: of(({ peakRssBytes }) => (peakRssBytes === null ? null : peakRssBytes / MEBIBYTE)),
        },
        problems: live.problems,
      };
    },
  });
}

export const live = steady(({ sizes }) => sizes.live, {
  p50: { atMost: 20 },
  p99: { atMost: 80 },
});

export const liveFast = steady(({ sizes }) => sizes.liveFast, { p50: null, p99: { atMost: 300 } });
