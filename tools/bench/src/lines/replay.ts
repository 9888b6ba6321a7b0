import { measureReplay } from '../replay/measure-replay.ts';
import { goal, info } from '../table/figure.ts';
import { problemsOf, rateOf } from './figures-of-drains.ts';
import { line } from './line.ts';

/** As many as this machine has cores for; more share them. */
const PARALLELISM = 2;

export const replay = line({
  figures: {
    rate: info('events/s', 'whole topic read again into the database that counted it'),
    rate_parallel: info('events/s', `the same, ${PARALLELISM} partitions at a time`),
    parallel_gain: info('x', 'the second against the first', 2),
    rate_ratio: goal({ atLeast: 0.85 }, 'x', 'events/s against the drain before it'),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const rates: number[] = [];
    const parallel: number[] = [];
    const [drains = []] = await bench.inTurn(() =>
      bench.drain(load, {
        afterwards: async (env) => {
          bench.progress('replay: reading the topic again');
          rates.push(await measureReplay(env, load.events));
          parallel.push(await measureReplay(env, load.events, PARALLELISM));
        },
      }),
    );
    return {
      runs: {
        rate: rates,
        rate_parallel: parallel,
        parallel_gain: parallel.map((rate, n) => rate / (rates[n] ?? Number.NaN)),
        rate_ratio: drains.map((drain, n) => (rates[n] ?? Number.NaN) / rateOf(drain)),
      },
      problems: problemsOf(drains),
    };
  },
});
