import { measureStart, type StartMeasurement } from '../start/measure-start.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

export const start = line({
  figures: {
    first_commit: goal({ atMost: 0.5 }, 's', 'process start to first commit, topic full', 2),
    first_claim: info('s', 'process start to first claim of a partition', 2),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const starts: StartMeasurement[] = [];
    for (let n = 0; n < bench.sizes.starts; n += 1) {
      bench.progress(`start ${n + 1} of ${bench.sizes.starts}`);
      starts.push(await measureStart(bench, load));
    }
    return {
      runs: {
        first_commit: starts.map(({ commitSeconds }) => commitSeconds),
        first_claim: starts.map(({ claimSeconds }) => claimSeconds),
      },
      problems: [...new Set(starts.flatMap(({ problems }) => problems))],
    };
  },
});
