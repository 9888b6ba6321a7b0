import { expect, test } from 'vitest';
import { figureOf, goal, info } from './figure.ts';

const RATE = goal({ atLeast: 1.6 }, 'x', 'rate against another');

test('a figure is the median of its runs, with their spread, held against its goal', () => {
  expect(figureOf('clean.rate_ratio', RATE, [1.7, 1.5, 1.612], true)).toEqual({
    name: 'clean.rate_ratio',
    means: 'rate against another',
    unit: 'x',
    goal: '>= 1.6',
    measured: 1.61,
    met: true,
    spread: [1.5, 1.7],
    runs: 3,
  });
  expect(figureOf('n', goal({ atMost: 20 }, 'ms', ''), [20.001, 20.2], true).met).toBe(false);
  expect(figureOf('n', goal({ atMost: 20 }, 'ms', ''), [20], true).met).toBe(true);
});

test('what was not measured is met by nobody and missed by nobody', () => {
  expect(figureOf('n', RATE, [null, null], true)).toMatchObject({ measured: null, met: null });
  expect(figureOf('n', info('events/s', ''), [3], true)).toMatchObject({ measured: 3, met: null });
});

test('no figure of a line that was not exact is met', () => {
  expect(figureOf('n', RATE, [9], false).met).toBe(false);
  expect(figureOf('n', info('', ''), [9], false).met).toBe(false);
});
