import { expect, test } from 'vitest';
import { GATES, gatesOf } from './gates.ts';

const titles = (gates: readonly { title: string }[]): string[] => gates.map(({ title }) => title);

test('a change of some packages checks their types alone, and everything else as ever', () => {
  const gates = gatesOf([
    { name: '@adtally/db', path: 'packages/db' },
    { name: '@adtally/ops', path: 'apps/ops' },
  ]);
  expect(titles(gates)).toEqual(titles(GATES));
  const types = gates.find(({ title }) => title === 'types');
  expect(types?.command.filter((word) => word.startsWith('--filter'))).toEqual([
    '--filter=@adtally/db',
    '--filter=@adtally/ops',
  ]);
  expect(gates.filter((gate) => gate !== types)).toEqual(
    GATES.filter(({ title }) => title !== 'types'),
  );
});

test('a change of no package checks no types', () => {
  expect(titles(gatesOf([]))).toEqual(titles(GATES).filter((title) => title !== 'types'));
});
