import { withAddedHeaders } from '@adtally/event-schema';
import { expect, test } from 'vitest';
import { counterSum } from './app-process.ts';
import { coordinateOf } from './dead-letter-copies.ts';
import { isTakenOver, type Kill } from './kill.ts';
import { progressText } from './observer.ts';
import { committedOf, type Position, shareOf } from './position.ts';
import { ageSeconds } from './process-age.ts';
import { databaseAddress, parseDemoRecords } from './workspace-state.ts';

const POSITIONS: Position[] = [
  { partition: 0, nextOffset: 10, epoch: 1, owner: 'a' },
  { partition: 1, nextOffset: 20, epoch: 2, owner: 'b' },
  { partition: 2, nextOffset: 30, epoch: 3, owner: 'a' },
];

test('a share is what one owner holds and has still to count', () => {
  expect(shareOf('a', POSITIONS, [15, 100, 30])).toEqual({ partitions: [0, 2], lag: 5 });
  expect(shareOf('nobody', POSITIONS, [15, 100, 30])).toEqual({ partitions: [], lag: 0 });
  expect(committedOf(POSITIONS)).toBe(60);
});

test('partitions are taken over once every epoch is higher than the killed one left it', () => {
  const kill = {
    partitions: [0, 2],
    epochs: new Map([
      [0, 1],
      [2, 3],
    ]),
  } as unknown as Kill;
  const claimed = (...partitions: number[]): Position[] =>
    POSITIONS.map((one) => (partitions.includes(one.partition) ? { ...one, epoch: 9 } : one));
  expect(isTakenOver(kill, claimed(0))).toBe(false);
  expect(isTakenOver(kill, claimed(0, 2))).toBe(true);
});

test('a counter is summed over its labels and not over metrics with a longer name', () => {
  const text = [
    '# HELP adtally_fenced_total text',
    'adtally_fenced_total{a="x } 9"} 2 1700000000000',
    'adtally_fenced_total{a="y"} 3',
    'adtally_fenced_total_other 100',
  ].join('\n');
  expect(counterSum(text, 'adtally_fenced_total')).toBe(5);
  expect(counterSum(text, 'none')).toBe(0);
});

test('a dead letter is known by our own headers, also where the record carried forged ones', () => {
  const header = (name: string, value: string) => ({ [name]: Buffer.from(value) });
  const own = [
    header('__connect.errors.topic', 'forged'),
    header('__connect.errors.offset', '666'),
  ];
  const headers = withAddedHeaders(own, {
    '__connect.errors.topic': 'events',
    '__connect.errors.partition': '3',
    '__connect.errors.offset': '17',
  });
  const record = { topic: 'dlq', partition: 0, offset: 1, key: null, value: null, headers };
  expect(coordinateOf(record)).toEqual({ topic: 'events', place: '3/17' });
  expect(coordinateOf({ ...record, headers: undefined })).toBeUndefined();
});

test('progress names produced, counted, rate and lag', () => {
  const facts = { events: 300_000, produced: 120_000, committed: 80_000, elapsedMs: 2_000 };
  expect(progressText(facts)).toBe(
    'produced 120,000, counted 80,000 of 300,000, 40,000/s, lag 40,000',
  );
});

test('a process is as old as /proc says, whatever its name holds', () => {
  const stat = `7 (a ) b) S ${'0 '.repeat(18)}5000 0 0`;
  expect(ageSeconds(stat, '61.5 100.0')).toBeCloseTo(11.5);
  // An uptime of a container against start times of the machine.
  expect(ageSeconds(stat, '10.0 1.0')).toBeUndefined();
  expect(ageSeconds('', '')).toBeUndefined();
});

test('only what bears the name of a demo is ever taken from the state file', () => {
  const record = {
    pid: 5,
    kafkaBrokers: 'k:1',
    stackDatabase: 'p:2/adtally',
    database: 'adtally_demo_x',
    topics: ['adtally-demo-x', 'adtally-demo-x.dlq'],
  };
  const foreign = [
    { ...record, database: 'customers' },
    { ...record, topics: ['ad-events'] },
    { ...record, pid: 'x' },
    null,
  ];
  expect(parseDemoRecords(JSON.stringify([record, ...foreign]))).toEqual([record]);
  expect(parseDemoRecords('{"half": ')).toEqual([]);
});

test('a database is named without its user and password', () => {
  expect(databaseAddress('postgres://me:secret@db:5433/ads?sslmode=require')).toBe('db:5433/ads');
  expect(databaseAddress('nonsense')).toBe('');
});
