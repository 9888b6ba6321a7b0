import { expect, test } from 'vitest';
import { selfTimes } from './cpu-profile.ts';

function node(id: number, functionName: string, url = '') {
  return { id, callFrame: { functionName, url, lineNumber: 9 } };
}

const profile = {
  startTime: 1_000,
  nodes: [
    node(1, '(idle)'),
    node(2, 'classify', 'file:///somewhere/packages/pipeline/src/classify.ts'),
    node(3, 'classify', 'file:///somewhere/packages/pipeline/src/classify.ts'),
    node(4, 'query', 'file:///a/packages/db/node_modules/.pnpm/pg@8/node_modules/pg/lib/client.js'),
  ],
  samples: [2, 3, 4, 1, 2],
  timeDeltas: [100, 100, 100, 100, 100],
};

test('self time is added up by function over all its call paths, the most expensive first', () => {
  expect(selfTimes(profile, 0, 2_000)).toEqual([
    { name: 'classify packages/pipeline/src/classify.ts:10', selfUs: 300 },
    { name: 'query node_modules/pg/lib/client.js:10', selfUs: 100 },
    { name: '(idle)', selfUs: 100 },
  ]);
});

test('samples outside the window are left out', () => {
  expect(
    selfTimes(profile, 1_150, 1_300).map(({ name, selfUs }) => [name.split(' ')[0], selfUs]),
  ).toEqual([
    ['classify', 100],
    ['query', 100],
  ]);
});
