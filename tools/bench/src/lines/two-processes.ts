import { goal, info } from '../table/figure.ts';
import { problemsOf, rateOf, ratios } from './figures-of-drains.ts';
import { line } from './line.ts';

const MEBIBYTE = 1_048_576;
/** The first process drains alone until the group has given the second one its half. */
const EVENTS_FACTOR = 2;

export const twoProcesses = line({
  figures: {
    rate: info('events/s', 'two processes, once each has partitions'),
    rate_ratio: goal({ atLeast: 1.15 }, 'x', 'events/s against one process'),
    rss: info('MiB', 'peak resident memory of both'),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean', bench.sizes.events * EVENTS_FACTOR);
    const [one = [], two = []] = await bench.inTurn(
      () => bench.drain(load),
      () => bench.drain(load, { processes: 2 }),
    );
    return {
      runs: {
        rate: two.map(rateOf),
        rate_ratio: ratios(two, one, rateOf),
        rss: two.map(({ peakRssBytes }) => peakRssBytes / MEBIBYTE),
      },
      problems: problemsOf(one, two),
    };
  },
});
