import { measureReplay } from '../replay/measure-replay.ts';
import { goal, info } from '../table/figure.ts';
import { problemsOf, rateOf } from './figures-of-drains.ts';
import { line } from './line.ts';

export const replay = line({
  figures: {
    rate: info('events/s', 'whole topic read again into the database that counted it'),
    rate_ratio: goal({ atLeast: 0.85 }, 'x', 'events/s against the drain before it'),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const rates: number[] = [];
    const [drains = []] = await bench.inTurn(() =>
      bench.drain(load, {
        afterwards: async (env) => {
          bench.progress('replay: reading the topic again');
          rates.push(await measureReplay(env, load.events));
        },
      }),
    );
    return {
      runs: {
        rate: rates,
        rate_ratio: drains.map((drain, n) => (rates[n] ?? Number.NaN) / rateOf(drain)),
      },
      problems: problemsOf(drains),
    };
  },
});
