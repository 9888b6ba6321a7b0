import { expect, test } from 'vitest';
import { timeMs, timestamp } from './times.ts';
import { duration, id, parseValue, wholeNumber } from './value-types.ts';

test.each(['', '-1', '1.5', '1e3', '101', 'x', ' 5', '9'.repeat(30)])(
  'a whole number is not %j',
  (text) => {
    expect(wholeNumber(1, 100).parse(text)).toBeUndefined();
  },
);

test('a whole number takes its bounds', () => {
  expect(['1', '100'].map(wholeNumber(1, 100).parse)).toEqual([1, 100]);
});

test('a number of the database may pass 2^53', () => {
  expect(id('letter').parse('9223372036854775807')).toBe('9223372036854775807');
  expect(id('letter').parse('9223372036854775808')).toBeUndefined();
  expect(id('letter').parse('-1')).toBeUndefined();
});

test('a span has a unit', () => {
  expect(['250ms', '30s', '12h', '7d'].map(duration.parse)).toEqual([
    250, 30_000, 43_200_000, 604_800_000,
  ]);
  expect(['7', '7 d', '1w', '-1s', ''].map(duration.parse)).toEqual(Array(5).fill(undefined));
});

test('a time without an offset is UTC', () => {
  const texts = ['2026-03-01', '2026-03-01T12:30', '2026-03-01t12:30:05.123456+02:00'];
  expect(texts.map(timestamp.parse)).toEqual([
    '2026-03-01T00:00:00Z',
    '2026-03-01T12:30Z',
    '2026-03-01t12:30:05.123456+02:00',
  ]);
  expect(texts.map(timeMs.parse)).toEqual([
    Date.UTC(2026, 2, 1),
    Date.UTC(2026, 2, 1, 12, 30),
    Date.UTC(2026, 2, 1, 10, 30, 5, 123),
  ]);
});

test.each([
  'yesterday',
  '2026-02-29T00:00:00Z',
  '2026-02-28T24:00:00Z',
  '2026-13-01',
  '0000-01-01',
  '2026-01-01T00:60:00',
  '2026-01-01T00:00:60',
  '2026-01-01T00:00:00+15:00',
  '2026-01-01Z',
])('%j is no time', (text) => {
  expect(() => parseValue('--since', timestamp, text)).toThrow('--since must be a time such as');
});
