import type { Truth } from '@adtally/event-simulator';
import { expect, test } from 'vitest';
import { compareTallies, isEqual, tallyJson, tallyOfTruth } from './tally.ts';

const TRUTH: Truth = {
  attempted: 12,
  acked: 11,
  failed: 1,
  unknown: 0,
  unique: 7,
  duplicate: 1,
  conflict: 1,
  dead_lettered: { wrong_type: 1, empty: 1 },
  money: { USD: '9007199254740993', EUR: '5' },
  by_event_type: { impression: 5, click: 1, conversion: 1 } as Truth['by_event_type'],
  misrouted: 0,
  unknown_fields: 0,
  late: 0,
};

test('equal tallies are equal in every line', () => {
  const tally = tallyOfTruth(TRUTH);
  const lines = compareTallies(tally, tallyOfTruth(TRUTH));
  expect(lines.every(isEqual)).toBe(true);
  expect(lines.map(({ name, expected }) => [name, expected])).toEqual([
    ['records', 11n],
    ['unique', 7n],
    ['click', 1n],
    ['conversion', 1n],
    ['impression', 5n],
    ['duplicate', 1n],
    ['conflict', 1n],
    ['dead-lettered', 2n],
    ['empty', 1n],
    ['wrong_type', 1n],
    ['dead letters kept', 2n],
    ['money EUR', 5n],
    ['money USD', 9_007_199_254_740_993n],
  ]);
});

test('I8: a difference of one micro above 2^53 is a difference', () => {
  const expected = tallyOfTruth(TRUTH);
  const actual = { ...expected, money: { ...expected.money, USD: 9_007_199_254_740_992n } };
  const unequal = compareTallies(expected, actual).filter((line) => !isEqual(line));
  expect(unequal.map(({ name }) => name)).toEqual(['money USD']);
});

test('a code or currency that only one side knows is 0 on the other, and unequal', () => {
  const expected = tallyOfTruth(TRUTH);
  const actual = {
    ...expected,
    deadLettered: { wrong_type: 1n, expired: 1n },
    money: { EUR: 5n, USD: 9_007_199_254_740_993n, JPY: 1n },
  };
  const unequal = compareTallies(expected, actual).filter((line) => !isEqual(line));
  expect(unequal.map((line) => [line.name, line.expected, line.actual])).toEqual([
    ['empty', 1n, 0n],
    ['expired', 0n, 1n],
    ['money JPY', 0n, 1n],
  ]);
});

test('as JSON counts are numbers while safe and money is always digits', () => {
  const tally = { ...tallyOfTruth(TRUTH), records: 9_007_199_254_740_993n };
  expect(tallyJson(tally)).toEqual({
    records: '9007199254740993',
    unique: 7,
    by_event_type: { click: 1, conversion: 1, impression: 5 },
    duplicate: 1,
    conflict: 1,
    dead_lettered: { empty: 1, wrong_type: 1 },
    dead_letters_kept: 2,
    money_micros: { EUR: '5', USD: '9007199254740993' },
  });
});
