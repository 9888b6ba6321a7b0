import { measureGrowth } from '../growth/measure-growth.ts';
import { median } from '../stats.ts';
import { goal, info } from '../table/figure.ts';
import { line } from './line.ts';

export const growth = line({
  figures: {
    rate: info('events/s', 'drain into the grown table'),
    rate_small: info('events/s', 'drain into the small table'),
    rate_ratio: goal({ atLeast: 0.9 }, 'x', 'events/s into the grown table against the small one'),
    bytes_per_row: info('B', 'table and indexes a row'),
    rows: info('', 'rows at the end'),
  },
  measure: async (bench) => {
    const { small, grown, bytesPerRow, problems } = await measureGrowth(bench);
    return {
      runs: {
        rate: grown,
        rate_small: small,
        rate_ratio: grown.map((rate) => rate / median(small)),
        bytes_per_row: [bytesPerRow],
        rows: [bench.sizes.growth.rows],
      },
      problems,
    };
  },
});
