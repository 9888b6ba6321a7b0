import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { abandonInTime } from './give-up.ts';

const TURN = { what: 'a turn', rows: null };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function drain() {
  const state = { inHand: [TURN], abandonedAtMs: [] as number[] };
  const startedMs = performance.now();
  const end = abandonInTime(
    10_000,
    () => ({ inHand: state.inHand, committed: [] }),
    () => state.abandonedAtMs.push(performance.now() - startedMs),
  );
  return { state, end };
}

test('work in hand has its share of the deadline, and is abandoned once', () => {
  const { state } = drain();
  vi.advanceTimersByTime(5_900);
  expect(state.abandonedAtMs).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(state.abandonedAtMs).toEqual([6_000]);
});

test('what waits with nothing in hand is abandoned soon after the last of it was done', () => {
  const { state } = drain();
  vi.advanceTimersByTime(3_000);
  state.inHand = [];
  vi.advanceTimersByTime(20_000);
  expect(state.abandonedAtMs).toEqual([5_000]);
});

test('a drain that has ended abandons nothing', () => {
  const { state, end } = drain();
  end();
  vi.advanceTimersByTime(20_000);
  expect(state.abandonedAtMs).toEqual([]);
});
