import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CLASSIC_REST_MS, Rebalances } from './rebalances.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const kinds = (rebalances: Rebalances): string[] =>
  rebalances.take().map(({ kind, partitions }) => `${kind} ${partitions.join()}`);

test('with the classic protocol what is to be given back stays ours until others can take it over at once', () => {
  const rebalances = new Rebalances(CLASSIC_REST_MS);
  expect(rebalances.restLeftMs).toBe(0);
  rebalances.granted([1, 2]);
  expect(rebalances.restLeftMs).toBe(CLASSIC_REST_MS);
  rebalances.revoked([1], false);
  rebalances.granted([3]);
  expect(rebalances.waiting).toBe(true);
  expect(kinds(rebalances)).toEqual(['granted 1,2']);
  expect(rebalances.waiting).toBe(false);
  vi.advanceTimersByTime(CLASSIC_REST_MS - 1);
  expect([rebalances.waiting, kinds(rebalances)]).toEqual([false, []]);
  vi.advanceTimersByTime(1);
  expect(rebalances.restLeftMs).toBe(0);
  expect(rebalances.waiting).toBe(true);
  expect(kinds(rebalances)).toEqual(['revoked 1', 'granted 3']);
  expect(rebalances.waiting).toBe(false);
});

test('what is lost, or nothing, is told at once; who leaves takes all', () => {
  const rebalances = new Rebalances(CLASSIC_REST_MS);
  rebalances.revoked([], false);
  rebalances.revoked([1], true);
  expect(kinds(rebalances)).toEqual(['revoked ', 'revoked 1']);
  rebalances.revoked([2], false);
  expect(rebalances.waiting).toBe(false);
  rebalances.thrownOut();
  expect(rebalances.take()).toEqual([{ kind: 'revoked', partitions: [2], lost: true }]);
  rebalances.granted([3]);
  rebalances.revoked([3], false);
  expect(rebalances.takeAll()).toHaveLength(2);
});

test('with KIP-848 nothing waits', () => {
  const rebalances = new Rebalances();
  rebalances.revoked([1], false);
  expect(rebalances.restLeftMs).toBe(0);
  expect(kinds(rebalances)).toEqual(['revoked 1']);
});

test('where nothing is held back, the others are slow all the same', () => {
  const rebalances = new Rebalances(CLASSIC_REST_MS, false);
  rebalances.revoked([1], false);
  expect(rebalances.restLeftMs).toBe(CLASSIC_REST_MS);
  expect(kinds(rebalances)).toEqual(['revoked 1']);
});
