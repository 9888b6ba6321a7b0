import { expect, test } from 'vitest';
import { type KindResult, KINDS, resultsMarkdown, resultText } from '../src/index.ts';
import { samplesOf } from '../src/metrics.ts';

const RESULT: KindResult = {
  name: 'broker-killed',
  family: 'kafka',
  what: 'one of three brokers killed',
  expects: 'survives',
  evidence: '2 of 3',
  visible: null,
  named: { seconds: 1.25, by: 'log of consumer-1: a|b' },
  waitedSeconds: 4,
  halted: [],
  exits: [],
  healedSeconds: 3.21,
  exact: 'exact: 10 records',
  problems: [],
};

test('what is survived in seconds need not be visible; everything else that is not told fails', () => {
  const failed = { ...RESULT, name: 'other', waitedSeconds: 60, problems: ['never visible'] };
  const table = resultsMarkdown([RESULT, failed], []);
  expect(table).toContain(
    '| broker-killed | one of three brokers killed | survives | 4 s | no need | 1.3 s |',
  );
  expect(table).toContain('`log of consumer-1: a b` | 3.2 s | exact: 10 records |');
  expect(table).toContain('| 60 s | **never** |');
  expect(table).toContain('- **other**: never visible');
  expect(resultText(failed)).toContain('FAILED other');
});

test('kinds have names of their own', () => {
  expect(new Set(KINDS.map(({ name }) => name)).size).toBe(KINDS.length);
});

test('samples of a Prometheus text', () => {
  expect(samplesOf('# HELP a b\na{partition="1"} 2\nb 3\n\n')).toEqual([
    { name: 'a', labels: 'partition="1"', value: 2 },
    { name: 'b', labels: '', value: 3 },
  ]);
});
