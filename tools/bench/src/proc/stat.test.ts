import { expect, test } from 'vitest';
import { parsePeakRss, parseStat } from './stat.ts';

const REST =
  'S 3529 3530 3530 0 -1 4194624 501 77 0 0 12 34 56 78 20 0 1 0 12345 226000000 5100 18446744073709551615';

test('own time and waited children are told apart', () => {
  expect(parseStat(`4242 (postgres) ${REST}\n`)).toEqual({
    name: 'postgres',
    parentPid: 3529,
    ownTicks: 12 + 34,
    waitedTicks: 56 + 78,
  });
});

test('a name with blanks and brackets does not shift the fields', () => {
  const stat = parseStat(`4242 (a) b (c) ${REST}`);
  expect(stat).toMatchObject({ name: 'a) b (c', parentPid: 3529, ownTicks: 46 });
});

test.each(['', 'no stat', '1 (cut off) S 1'])('%j is no stat', (text) => {
  expect(parseStat(text)).toBeNull();
});

test('peak memory is read in bytes', () => {
  expect(parsePeakRss('Name:\tnode\nVmHWM:\t  1024 kB\nVmRSS:\t 512 kB\n')).toBe(1_048_576);
  expect(parsePeakRss('Name:\tkernel thread\n')).toBeNull();
});
