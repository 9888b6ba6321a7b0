import { expect, test } from 'vitest';
import { cpuPerEvent } from './cpu-meter.ts';

const before = { consumer: 1, postgres: 10, redis: 5, kafka: 100 };
const after = { consumer: 3, postgres: 10.5, redis: 5, kafka: 100.25 };

test('differences become microseconds an event, and their sum', () => {
  expect(cpuPerEvent(before, after, 1_000_000)).toEqual({
    consumer: 2,
    postgres: 0.5,
    redis: 0,
    kafka: 0.25,
    total: 2.75,
  });
});

test('a server that cannot be seen leaves no total: a part is no whole', () => {
  const partly = cpuPerEvent({ ...before, kafka: null }, after, 1_000_000);
  expect(partly).toMatchObject({ consumer: 2, kafka: null, total: null });
});
