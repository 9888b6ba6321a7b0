import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  KINDS,
  newestResults,
  recordResult,
  type RecordedResult,
  resultsMarkdown,
  resultText,
} from '../src/index.ts';
import { samplesOf } from '../src/metrics.ts';

const RESULT: RecordedResult = {
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
  commit: 'abc1234',
  at: '2026-01-02T03:04:05.000Z',
  seconds: 60,
  loadPerCore: 1,
};

test('what is survived in seconds need not be visible; everything else that is not told fails', () => {
  const failed = { ...RESULT, name: 'other', waitedSeconds: 60, problems: ['never visible'] };
  const table = resultsMarkdown([RESULT, failed], './dev break');
  expect(table).toContain(
    '| broker-killed | one of three brokers killed | survives | 4 s | no need | 1.3 s |',
  );
  expect(table).toContain('`log of consumer-1: a b` | 3.2 s | exact: 10 records |');
  expect(table).toContain('| 60 s | **never** |');
  expect(table).toContain('- **other**: never visible');
  expect(resultText(failed)).toContain('FAILED other');
});

test('of each kind the newest result counts, with its commit where they differ', () => {
  const file = join(mkdtempSync(join(tmpdir(), 'adtally-results-')), 'results');
  expect(newestResults(file)).toEqual([]);
  for (const [name, commit] of [
    ['broker-frozen', 'one'],
    ['broker-killed', 'one'],
    ['broker-frozen', 'two'],
  ] as const) {
    recordResult(file, { ...RESULT, name, commit });
  }
  const newest = newestResults(file);
  expect(newest.map(({ name, commit }) => [name, commit])).toEqual([
    ['broker-killed', 'one'],
    ['broker-frozen', 'two'],
  ]);
  const table = resultsMarkdown(newest, './dev break');
  expect(table).toContain('commit one, two');
  expect(table).toContain('exact: 10 records | two |');
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
