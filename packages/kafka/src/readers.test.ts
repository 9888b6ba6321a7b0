import type { SourceRecord } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { Readers } from './readers.ts';

const records = (...at: [partition: number, offset: number][]): SourceRecord[] =>
  at.map(([partition, offset]) => ({ topic: 't', partition, offset, key: null, value: null }));

const coordinates = (list: readonly SourceRecord[]) =>
  list.map(({ partition, offset }) => [partition, offset]);

test('only records of read partitions at or above their position are kept, in order', () => {
  const readers = new Readers();
  readers.add(0, 5);
  readers.add(2, 0);
  const kept = readers.keep(records([0, 4], [0, 5], [1, 0], [2, 0], [0, 7], [0, 6], [2, 1]));
  expect(coordinates(kept)).toEqual([
    [0, 5],
    [2, 0],
    [0, 7],
    [2, 1],
  ]);
  expect(readers.position(0)).toBe(8);
  expect(readers.position(2)).toBe(2);
  expect(readers.position(1)).toBeUndefined();
});

test('a record seen before is not kept again', () => {
  const readers = new Readers();
  readers.add(0, 0);
  readers.keep(records([0, 0], [0, 1]));
  expect(coordinates(readers.keep(records([0, 0], [0, 1], [0, 2])))).toEqual([[0, 2]]);
});

test('lost partitions are silent and no longer watched', () => {
  const readers = new Readers();
  readers.add(0, 0);
  readers.add(1, 0);
  readers.lose([0, 9]);
  expect(coordinates(readers.keep(records([0, 0], [1, 0])))).toEqual([[1, 0]]);
  expect(readers.takeUnchecked(0)).toEqual([1]);
});

test('a reader is stalled after such a time and so many fetches without a record, and one record ends it', () => {
  const readers = new Readers();
  readers.add(0, 0);
  for (let i = 0; i < 3; i++) {
    readers.keep([]);
    readers.takeUnchecked(0);
  }
  expect(readers.isStalled(0, 0, 3)).toBe(true);
  expect(readers.isStalled(0, 60_000, 3)).toBe(false);
  expect(readers.isStalled(0, 0, 4)).toBe(false);
  readers.keep(records([0, 0]));
  expect(readers.isStalled(0, 0, 1)).toBe(false);
});

test('the last record of each partition is known, with the epoch of its leader where the broker tells it', () => {
  const readers = new Readers();
  for (const partition of [0, 1, 2]) readers.add(partition, 0);
  const [first, second, third] = records([0, 0], [0, 1], [1, 5]);
  readers.keep([
    { ...first, leaderEpoch: 1 },
    { ...second, leaderEpoch: 2 },
    { ...third },
  ] as SourceRecord[]);
  expect(readers.lastRead(0)).toEqual({ offset: 2, leaderEpoch: 2 });
  expect(readers.lastRead(1)).toBeNull();
  expect(readers.lastRead(2)).toBeNull();
});
