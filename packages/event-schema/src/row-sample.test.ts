import { expect, test } from 'vitest';
import { RowSample } from './row-sample.ts';

test('few rows are all kept; of many some, evenly, with the first among them', () => {
  const sample = new RowSample(4);
  for (let row = 10; row < 14; row += 1) sample.add(row);
  expect([sample.seen, sample.rows]).toEqual([4, [10, 11, 12, 13]]);
  sample.add(14);
  expect([sample.seen, sample.rows]).toEqual([5, [10, 12, 14]]);
  for (let row = 15; row < 110; row += 1) sample.add(row);
  expect([sample.seen, sample.rows]).toEqual([100, [10, 42, 74, 106]]);
  sample.clear();
  sample.add(7);
  expect([sample.seen, sample.rows]).toEqual([1, [7]]);
});
