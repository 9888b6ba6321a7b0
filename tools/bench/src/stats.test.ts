import { expect, test } from 'vitest';
import { median } from './stats.ts';

test('the middle of values, of an even number the mean of the two', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([5])).toBe(5);
  expect(() => median([])).toThrow(RangeError);
});
