import { describe, expect, test } from 'vitest';
import { type FoldableBase, type FoldRules, nextFold } from './next-fold.ts';

const HOUR = 120n;
const DAY = 2_880n;
const rules: FoldRules = {
  beforeMs: Number.MAX_SAFE_INTEGER,
  horizonMs: 0,
  unitEvents: 100n,
  stepEvents: 40n,
};

function base(first: bigint, last: bigint, events = 1n, isFolded = false): FoldableBase {
  return { first, last, events, isFolded, takenOver: null };
}
const folded = (first: bigint, last: bigint, events = 1n) => base(first, last, events, true);

function spanOf(bases: readonly FoldableBase[], changed: Partial<FoldRules> = {}) {
  const fold = nextFold(bases, { ...rules, ...changed });
  return fold && { unit: fold.unit.first, others: fold.others.map(({ first }) => first) };
}

describe('what is folded next', () => {
  test('nothing where all is folded or too young', () => {
    expect(spanOf([])).toBeNull();
    expect(spanOf([folded(0n, 9n)])).toBeNull();
    expect(spanOf([base(0n, 9n)], { beforeMs: 299_999 })).toBeNull();
    expect(spanOf([base(0n, 9n)], { beforeMs: 300_000 })).toEqual({ unit: 0n, others: [] });
  });

  test('bases that follow one another become one, those too young do not', () => {
    const bases = [base(0n, 0n), base(1n, 5n), base(6n, 9n)];
    expect(spanOf(bases)).toEqual({ unit: 0n, others: [1n, 6n] });
    expect(spanOf(bases, { beforeMs: 180_000 })).toEqual({ unit: 0n, others: [1n] });
  });

  test('what is folded before them takes them in', () => {
    expect(spanOf([folded(0n, 3n), base(4n, 4n), base(5n, 5n)])).toEqual({
      unit: 0n,
      others: [4n, 5n],
    });
  });

  test('cohorts that nobody has claimed part two units', () => {
    expect(spanOf([folded(0n, 3n), base(5n, 5n), base(7n, 7n)])).toEqual({ unit: 5n, others: [] });
  });

  test('what was taken over from another version stays apart', () => {
    const taken = (first: bigint, from: string) => ({ ...base(first, first), takenOver: from });
    expect(spanOf([taken(0n, '2{}'), base(1n, 1n)])).toEqual({ unit: 0n, others: [] });
    expect(spanOf([taken(0n, '2{}'), taken(1n, '2{creative}')])).toEqual({ unit: 0n, others: [] });
    expect(spanOf([taken(0n, '2{}'), taken(1n, '2{}')])).toEqual({ unit: 0n, others: [1n] });
  });

  test('a UTC day is never passed', () => {
    expect(spanOf([folded(DAY - 2n, DAY - 1n), base(DAY, DAY)])).toEqual({ unit: DAY, others: [] });
    expect(spanOf([base(DAY - 1n, DAY - 1n), base(DAY, DAY)])).toEqual({
      unit: DAY - 1n,
      others: [],
    });
  });

  test('a step sums up no more than it may, but for one base', () => {
    expect(spanOf([base(0n, 0n, 30n), base(1n, 1n, 10n), base(2n, 2n, 1n)])).toEqual({
      unit: 0n,
      others: [1n],
    });
    expect(spanOf([folded(0n, 0n), base(1n, 1n, 90n), base(2n, 2n, 1n)])).toEqual({
      unit: 0n,
      others: [1n],
    });
  });

  test('a unit that is full ends with the hour that it has begun', () => {
    expect(spanOf([folded(0n, 7n, 100n), base(8n, 8n, 20n)])).toEqual({ unit: 0n, others: [8n] });
    expect(spanOf([folded(0n, HOUR - 1n, 100n), base(HOUR, HOUR)])).toEqual({
      unit: HOUR,
      others: [],
    });
    expect(spanOf([folded(0n, HOUR - 1n, 99n), base(HOUR, HOUR)])).toEqual({
      unit: 0n,
      others: [HOUR],
    });
  });

  test('what can never be computed anew has no bounds but a step', () => {
    const horizonMs = 2 * 86_400_000;
    const purged = [folded(0n, DAY - 1n, 500n), base(DAY, DAY + 9n, 9n)];
    expect(spanOf(purged, { horizonMs })).toEqual({ unit: 0n, others: [DAY] });
    const above = [folded(0n, 2n * DAY - 1n), base(2n * DAY, 2n * DAY)];
    expect(spanOf(above, { horizonMs })).toEqual({ unit: 2n * DAY, others: [] });
  });
});
