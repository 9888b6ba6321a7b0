import { expect, test } from 'vitest';

import { failureLines, repeatRuns, type TestRun, totalOf } from './repeat.ts';

const GOOD: TestRun = { counts: { passed: 3, failed: 0, skipped: 1 }, failed: [] };

function bad(...failed: string[]): TestRun {
  const counts = { passed: 3 - failed.length, failed: failed.length, skipped: 1 };
  return { counts, failed: failed.map((name) => ({ name, why: '' })) };
}

async function repeated(...runs: TestRun[]): Promise<{ runs: TestRun[]; said: string[] }> {
  const left = [...runs];
  const said: string[] = [];
  const next = async (): Promise<TestRun> => left.shift() ?? GOOD;
  return { runs: await repeatRuns(runs.length, next, (line) => said.push(line)), said };
}

test('a failure ends no repetition; every run is told, and which test failed how often', async () => {
  const { runs, said } = await repeated(bad('a > x'), GOOD, bad('a > y', 'a > x'), GOOD);
  expect(said).toEqual([
    'run 1 of 4: 2 passed, 1 failed, 1 skipped',
    'run 2 of 4: 3 passed, 0 failed, 1 skipped',
    'run 3 of 4: 1 passed, 2 failed, 1 skipped',
    'run 4 of 4: 3 passed, 0 failed, 1 skipped',
  ]);
  expect(failureLines(runs)).toEqual([
    'failed in 2 of 4 runs: a > x',
    'failed in 1 of 4 runs: a > y',
  ]);
  expect(totalOf(runs)).toEqual({ passed: 9, failed: 3, skipped: 4 });
});

test('a failure is told with why it came the first time', () => {
  const runs = ['line 3: one', 'line 4: other'].map((why) => ({
    ...bad('a > x'),
    failed: [{ name: 'a > x', why }],
  }));
  expect(failureLines(runs)).toEqual(['failed in 2 of 2 runs: a > x (line 3: one)']);
});

test('a single run says nothing but which tests failed', async () => {
  const { runs, said } = await repeated(GOOD);
  expect(said).toEqual([]);
  expect(failureLines([bad('a > x')])).toEqual(['failed: a > x']);
  expect(failureLines(runs)).toEqual([]);
  expect(totalOf(runs)).toEqual(GOOD.counts);
});
