import { measureIdle } from '../live/measure-idle.ts';
import { measureLive } from '../live/measure-live.ts';
import { rowByRowP99, rowByRowRate } from '../live/measure-row-by-row.ts';
import { percentile } from '../live/latencies.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

/** Of what it drains at most: a queue without any slack only grows. */
const BEARABLE_SHARE = 0.8;

export const latency = line({
  figures: {
    idle_p50: goal({ atMost: 10 }, 'ms', 'idle system, one event: append to seen committed', 1),
    idle_p99: info('ms', 'the same, the slowest hundredth', 1),
    idle_flush: info('ms', 'from what the ledger calls the commit until it is seen', 1),
    row_by_row_rate: info('events/s', 'one row at a time: the rate both are compared at'),
    row_by_row_p99: info('ms', 'one row at a time at that rate: append to committed', 1),
    p99: info('ms', 'the service at that rate: append to committed', 1),
    p99_ratio: goal({ atMost: 0.2 }, 'x', 'p99 against one row at a time', 3),
  },
  measure: async (bench) => {
    const { idleEvents, rowByRowSeconds: seconds } = bench.sizes;
    const idle = await measureIdle(bench, idleEvents);
    const visible = Float64Array.from(idle.visibleMs).toSorted();
    const rate = Math.floor((await rowByRowRate(bench, seconds)) * BEARABLE_SHARE);
    const problems = [...idle.problems];
    const [rows = [], ours = []] = await bench.inTurn(
      async () => await rowByRowP99(bench, rate, seconds),
      async () => {
        const live = await measureLive(bench, rate, seconds);
        problems.push(...live.problems);
        return live.p99Ms;
      },
    );
    return {
      runs: {
        idle_p50: idle.visibleMs,
        idle_p99: [percentile(visible, 0.99)],
        idle_flush: idle.afterLedgerMs,
        row_by_row_rate: [rate],
        row_by_row_p99: rows,
        p99: ours,
        p99_ratio: ours.map((p99, n) => p99 / (rows[n] ?? Number.NaN)),
      },
      problems,
    };
  },
});
