import { expect, test } from 'vitest';
import { FAULTS, planOf } from '../src/index.ts';
import { secondsOf } from '../src/plan.ts';

const HALF_AN_HOUR = { seconds: 1_800 };

test('a plan is a function of seed and length', () => {
  const plan = planOf(FAULTS, { seed: 7, ...HALF_AN_HOUR });
  expect(planOf(FAULTS, { seed: 7, ...HALF_AN_HOUR })).toEqual(plan);
  expect(planOf(FAULTS, { seed: 8, ...HALF_AN_HOUR })).not.toEqual(plan);
});

test('every fault comes in half an hour, and none more often than it may', () => {
  const faults = planOf(FAULTS, { seed: 1, ...HALF_AN_HOUR }).flat();
  for (const { name, most = Infinity } of FAULTS) {
    const times = faults.filter((planned) => planned.name === name).length;
    expect({ name, times }).toEqual({ name, times: Math.min(Math.max(1, times), most) });
  }
});

test('faults of a window overlap, and none takes what another has', () => {
  const byName = new Map(FAULTS.map((fault) => [fault.name, fault]));
  for (let seed = 0; seed < 50; seed += 1) {
    for (const window of planOf(FAULTS, { seed, seconds: 600 })) {
      const taken = window.flatMap(({ name, target }) => [
        ...(byName.get(name)?.takes ?? []),
        ...(target === '' ? [] : [target]),
      ]);
      expect(new Set(taken).size).toBe(taken.length);
      expect(window.length).toBeGreaterThanOrEqual(3);
      const faults = window.map(({ name }) => byName.get(name));
      const needs = faults.some((fault) => fault?.needsFlow === true);
      expect(needs && faults.some((fault) => fault?.stopsFlow === true)).toBe(false);
      expect(secondsOf(window)).toBeLessThan(40);
    }
  }
});

test('faults have names of their own', () => {
  expect(new Set(FAULTS.map(({ name }) => name)).size).toBe(FAULTS.length);
});
