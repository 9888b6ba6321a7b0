import { expect, test } from 'vitest';
import { encodeBatch } from '../../test/encode-batch.ts';
import { RecordSpans } from '../record-batch/record-spans.ts';
import { PartitionReading } from './partition-reading.ts';
import { Readings } from './readings.ts';

/** Partitions that have so many records at hand. */
function readingsOf(counts: readonly number[]): Readings {
  const readings = new Readings();
  for (const [partition, count] of counts.entries()) {
    const reading = new PartitionReading(partition, 0);
    readings.set(partition, reading);
    if (count === 0) continue;
    const records = Array.from({ length: count }, (_, offset) => ({
      offset,
      timestampMs: 1,
      key: null,
      value: Buffer.from('x'),
      headers: [],
    }));
    reading.noteAsked(true);
    reading.take(
      {
        partition,
        error: 0,
        end: count,
        lastStableOffset: count,
        logStart: 0,
        divergedAt: null,
        leader: null,
        aborted: [],
        preferredReplica: null,
        records: encodeBatch(records, { baseOffset: 0, lastOffset: count - 1 }),
      },
      0,
    );
    reading.isAsked = false;
  }
  return readings;
}

/** How many of each partition one read brings. */
function shares(readings: Readings, limit: number): number[] {
  const spans = new RecordSpans(limit);
  readings.readInTurn(spans);
  const taken = Array.from({ length: readings.size }, () => 0);
  for (let row = 0; row < spans.count; row += 1) {
    const partition = spans.partition[row] ?? -1;
    taken[partition] = (taken[partition] ?? 0) + 1;
  }
  expect(spans.limit).toBe(limit);
  return taken;
}

test('a read has an equal share of each partition, and what one has not is had by the others', () => {
  expect(shares(readingsOf([100, 100, 0, 100]), 30)).toEqual([10, 10, 0, 10]);
  expect(shares(readingsOf([100, 4, 100]), 60)).toEqual([36, 4, 20]);
  expect(shares(readingsOf([7, 8, 9]), 60)).toEqual([7, 8, 9]);
  expect(shares(readingsOf([0, 0]), 60)).toEqual([0, 0]);
});

test('a small read has of each, and what remains goes to another one each time', () => {
  const readings = readingsOf(Array.from({ length: 12 }, () => 100));
  const first = shares(readings, 16);
  expect(first).toEqual([5, ...Array.from({ length: 11 }, () => 1)]);
  expect(shares(readings, 16)[1]).toBe(5);
  const many = shares(readingsOf(Array.from({ length: 20 }, () => 100)), 250);
  expect(Math.min(...many)).toBe(12);
});

test('where there is less room than partitions, they take turns', () => {
  const readings = readingsOf([9, 9, 9, 9]);
  expect(shares(readings, 2)).toEqual([1, 1, 0, 0]);
  expect(shares(readings, 2)).toEqual([0, 0, 1, 1]);
  expect(shares(readings, 3)).toEqual([1, 1, 1, 0]);
});
