import { expect, test } from 'vitest';
import { partitionRanges, readPartitionRanges } from './partition-ranges.ts';

test.each([
  ['0-5', [0, 1, 2, 3, 4, 5], '0-5'],
  ['7', [7], '7'],
  ['8,0-2,4,3', [0, 1, 2, 3, 4, 8], '0-4,8'],
  ['0-1,3-4', [0, 1, 3, 4], '0-1,3-4'],
])('%s names %j, and is written %s', (text, partitions, written) => {
  expect(readPartitionRanges(text)).toEqual(partitions);
  expect(partitionRanges(partitions)).toBe(written);
});

test.each(['', '-1', '5-3', '1,1', '0-3,2', '1,', 'a', '1.5', '100000', '0-99999999'])(
  '%j names nothing',
  (text) => {
    expect(readPartitionRanges(text)).toBeUndefined();
  },
);
