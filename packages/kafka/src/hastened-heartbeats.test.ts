import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GroupProtocol } from './consumer-config.ts';
import { HastenedHeartbeats } from './hastened-heartbeats.ts';

const ALL = 8;
/** Longer than all of them take. */
const OVER_MS = 1_400;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function setUp(protocol: GroupProtocol) {
  const sent: string[][] = [];
  const asked: number[] = [];
  const native = {
    subscribe: (topics: string[]) => void sent.push(topics),
    assignments: () => void asked.push(Date.now()),
  };
  const heartbeats = new HastenedHeartbeats(
    native as never,
    { post: () => undefined },
    { topic: 'events', protocol },
  );
  return { sent, asked, heartbeats };
}

test('heartbeats are sent over some moments, each with the subscription as it is', () => {
  const { sent, heartbeats } = setUp('consumer');
  heartbeats.begin();
  vi.advanceTimersByTime(OVER_MS);
  expect(sent).toEqual(Array.from({ length: ALL }, () => ['events']));
});

test('however often they are asked for meanwhile, only as many come once more', () => {
  const { sent, heartbeats } = setUp('consumer');
  for (let n = 0; n < 100; n += 1) heartbeats.begin();
  vi.advanceTimersByTime(2 * OVER_MS);
  // What brokers held back is asked for once.
  expect(sent).toHaveLength(2 * ALL - 1);
});

test('a caller that does not read any more is not kept in the group by them', () => {
  const { sent, heartbeats } = setUp('consumer');
  vi.advanceTimersByTime(40_000);
  heartbeats.begin();
  vi.advanceTimersByTime(OVER_MS);
  expect(sent).toEqual([]);
  heartbeats.attended();
  heartbeats.begin();
  vi.advanceTimersByTime(OVER_MS);
  expect(sent).toHaveLength(ALL);
});

test.each(['consumer', 'cooperative-sticky'] as const)(
  'none comes after the end (%s)',
  (protocol) => {
    const { sent, asked, heartbeats } = setUp(protocol);
    heartbeats.begin();
    heartbeats.begin();
    heartbeats.end();
    vi.advanceTimersByTime(OVER_MS);
    expect([sent, asked]).toEqual([[], []]);
  },
);

test('with the classic protocol the client is woken, beyond an interval of heartbeats, and given no subscription', () => {
  const { sent, asked, heartbeats } = setUp('cooperative-sticky');
  const fromMs = Date.now();
  heartbeats.begin();
  vi.advanceTimersByTime(OVER_MS);
  expect(sent).toEqual([]);
  expect(asked.map((atMs) => atMs - fromMs)).toEqual([10, 40, 170, 330]);
});

test.each([
  ['consumer', ALL],
  ['cooperative-sticky', 4],
] as const)(
  'a client that answers no more is told of, and ends nothing (%s)',
  (protocol, times) => {
    const told: unknown[] = [];
    const closing = () => {
      throw new Error('closing');
    };
    const native = { subscribe: closing, assignments: closing };
    const heartbeats = new HastenedHeartbeats(
      native as never,
      { post: (_kind, error) => void told.push(error) },
      { topic: 'events', protocol },
    );
    heartbeats.begin();
    vi.advanceTimersByTime(OVER_MS);
    expect(told).toHaveLength(times);
  },
);
