import type { Truth } from '@adtally/event-simulator';
import { expect, test } from 'vitest';
import { differences, tallyOfTruth } from './check-exact.ts';

const truth = {
  attempted: 10,
  acked: 10,
  failed: 0,
  unknown: 0,
  unique: 6,
  duplicate: 1,
  conflict: 1,
  dead_lettered: { empty: 1, oversize: 1 },
  money: { EUR: '9007199254740993' },
  by_event_type: { impression: 5, click: 1, conversion: 0 } as Truth['by_event_type'],
  misrouted: 0,
  unknown_fields: 0,
  late: 0,
};

test('equal tallies have no differences; a name one side lacks is 0 there', () => {
  const { 'type conversion': none, ...found } = tallyOfTruth(truth);
  expect(none).toBe('0');
  expect(differences(tallyOfTruth(truth), found)).toEqual([]);
});

test('a sum above 2^53 that is one micro off is found', () => {
  const found = { ...tallyOfTruth(truth), 'micros EUR': '9007199254740992' };
  expect(differences(tallyOfTruth(truth), found)).toEqual([
    'micros EUR: expected 9007199254740993, found 9007199254740992',
  ]);
});

test('a code that nobody expected is a difference', () => {
  const found = { ...tallyOfTruth(truth), 'code surprise': '1' };
  expect(differences(tallyOfTruth(truth), found)).toEqual(['code surprise: expected 0, found 1']);
});
