import { THIS_BUILD } from '../build/build.ts';
import { measureStart } from '../start/measure-start.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

export const start = line({
  figures: {
    first_commit: goal({ atMost: 0.5 }, 's', 'process start to first commit, topic full', 2),
    first_claim: info('s', 'process start to first claim of a partition', 2),
    first_commit_before: info('s', 'first_commit of the build it is compared with, in turn', 2),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const { against } = bench.options;
    const builds = against === null ? [THIS_BUILD] : [THIS_BUILD, against];
    const ways = builds.map((build) => async () => {
      bench.progress(`start: ${build.label}`);
      return await measureStart(bench, load, build);
    });
    const [starts = [], before = []] = await bench.inTurns(bench.sizes.starts, ways);
    return {
      runs: {
        first_commit: starts.map(({ commitSeconds }) => commitSeconds),
        first_claim: starts.map(({ claimSeconds }) => claimSeconds),
        ...(against !== null && {
          first_commit_before: before.map(({ commitSeconds }) => commitSeconds),
        }),
      },
      problems: [...new Set([...starts, ...before].flatMap(({ problems }) => problems))],
    };
  },
});
