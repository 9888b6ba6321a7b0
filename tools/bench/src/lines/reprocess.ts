import { THIS_BUILD } from '../build/build.ts';
import { measureReprocess } from '../reprocess/measure-reprocess.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

export const reprocess = line({
  figures: {
    copied: info('letters/s', 'from the DLQ topic into dead_letters'),
    retried: info('letters/s', 'stored by retries, while others are copied'),
    cpu: info('us', 'CPU a letter, reprocessor, copying included', 1),
    cpu_postgres: info('us', 'CPU a letter, PostgreSQL', 1),
    retried_ratio: goal({ atLeast: 4 }, 'x', 'letters/s retried against another build'),
    cpu_ratio: goal({ atMost: 0.4 }, 'x', 'CPU a letter, reprocessor, against that build'),
  },
  measure: async (bench) => {
    const { against } = bench.options;
    const before = against === null ? [] : [() => measureReprocess(bench, against)];
    const [now = [], other = []] = await bench.inTurn(
      () => measureReprocess(bench, THIS_BUILD),
      ...before,
    );
    const ratio = (pick: (measured: (typeof now)[number]) => number | null) =>
      now.slice(0, other.length).map((measured, n) => {
        const [above, below] = [pick(measured), pick(other[n] ?? measured)];
        return above === null || below === null ? null : above / below;
      });
    return {
      runs: {
        copied: now.map(({ copiedPerSecond }) => copiedPerSecond),
        retried: now.map(({ retriedPerSecond }) => retriedPerSecond),
        cpu: now.map(({ cpuUsPerLetter }) => cpuUsPerLetter),
        cpu_postgres: now.map(({ postgresCpuUsPerLetter }) => postgresCpuUsPerLetter),
        retried_ratio: ratio(({ retriedPerSecond }) => retriedPerSecond),
        cpu_ratio: ratio(({ cpuUsPerLetter }) => cpuUsPerLetter),
      },
      problems: [...new Set([...now, ...other].flatMap(({ problems }) => problems))],
    };
  },
});
