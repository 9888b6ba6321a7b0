import { chooseFor, measureFloor } from '../baseline/measure-floor.ts';
import type { DrainMeasurement } from '../drain/measure-drain.ts';
import type { FloorResult } from '../tasks/tasks.ts';
import { goal, info } from '../table/figure.ts';
import { problemsOf, rateOf } from './figures-of-drains.ts';
import { line } from './line.ts';

export const floor = line({
  figures: {
    ratio: goal(
      { atLeast: 0.8 },
      'x',
      'clean topic: events/s against the floor without guarantees',
    ),
    floor_rate: info('events/s', 'of the floor'),
    floor_cpu: info('us', "CPU an event of the floor's process", 2),
  },
  measure: async (bench) => {
    const load = await bench.topic('clean');
    const { servers, options } = bench;
    const context = { servers, load, ...options };
    await chooseFor(context);
    const [drains = [], floors = []] = await bench.inTurn<DrainMeasurement | FloorResult>(
      () => bench.drain(load),
      () => measureFloor(context),
    );
    const exact = drains as DrainMeasurement[];
    const loads = floors as FloorResult[];
    const rates = loads.map(({ records, seconds }) => records / seconds);
    return {
      runs: {
        ratio: exact.map((drain, n) => rateOf(drain) / (rates[n] ?? Number.NaN)),
        floor_rate: rates,
        floor_cpu: loads.map(({ cpuSeconds, records }) => (cpuSeconds * 1e6) / records),
      },
      problems: problemsOf(exact),
    };
  },
});
