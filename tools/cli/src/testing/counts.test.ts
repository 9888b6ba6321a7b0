import { expect, test } from 'vitest';

import { addCounts, countReport, failedTests, summaryLine } from './counts.ts';

function report(...files: { status: string; tests: string[] }[]): string {
  return JSON.stringify({
    testResults: files.map(({ status, tests }) => ({
      status,
      assertionResults: tests.map((result) => ({ status: result })),
    })),
  });
}

test('passed, failed, skipped and todo tests are counted over all files', () => {
  const text = report(
    { status: 'failed', tests: ['passed', 'failed', 'skipped'] },
    { status: 'passed', tests: ['passed', 'todo', 'pending'] },
  );
  expect(countReport(text, 1)).toEqual({ passed: 2, failed: 1, skipped: 3 });
});

test('a file that could not be loaded counts as a failure', () => {
  const text = report({ status: 'failed', tests: [] }, { status: 'passed', tests: ['passed'] });
  expect(countReport(text, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test('a failed run without a failed test counts as a failure', () => {
  const text = report({ status: 'passed', tests: ['passed'] });
  expect(countReport(text, 1)).toEqual({ passed: 1, failed: 1, skipped: 0 });
});

test('an unknown test status counts as a failure', () => {
  expect(countReport(report({ status: 'passed', tests: ['odd'] }), 0).failed).toBe(1);
});

test.each([
  ['no report', undefined],
  ['half a report', '{"testResults": ['],
  ['a report of another shape', '{"testResults": 7}'],
  ['a run of no test', report()],
  ['a run of skipped tests only', report({ status: 'passed', tests: ['skipped'] })],
])('%s is a failure even when the runner says success', (_name, text) => {
  expect(countReport(text, 0).failed).toBe(1);
});

test('the summary line has the form that tools read', () => {
  const counts = addCounts(
    { passed: 6, failed: 0, skipped: 1 },
    { passed: 4, failed: 2, skipped: 0 },
  );
  expect(summaryLine(counts)).toBe('10 passed, 2 failed, 1 skipped');
});

test('failed tests are named by file and name, with line and first words; a file that could not be loaded by its path', () => {
  const message = (file: string): string =>
    `Error: expected 1 to be 2\nmore\n    at f (file:///repo/node_modules/v/x.js:1:2)\n    at ${file}:40:5\n    at y`;
  const text = JSON.stringify({
    testResults: [
      {
        name: '/repo/packages/a/src/a.test.ts',
        status: 'failed',
        assertionResults: [
          {
            status: 'failed',
            fullName: 'group it adds',
            failureMessages: [message('/repo/packages/a/src/a.test.ts')],
          },
          { status: 'failed', fullName: 'group it says', failureMessages: ['x'.repeat(401)] },
          { status: 'passed', fullName: 'group it holds' },
        ],
      },
      {
        name: '/repo/packages/b/src/b.test.ts',
        status: 'failed',
        message: 'no such module\nat',
        assertionResults: [],
      },
      { name: '/repo/packages/d/src/d.test.ts', status: 'failed', assertionResults: [] },
      { name: '/repo/packages/c/src/c.test.ts', status: 'passed', assertionResults: [] },
    ],
  });
  expect(failedTests(text, '/repo')).toEqual([
    { name: 'packages/a/src/a.test.ts > group it adds', why: 'line 40: Error: expected 1 to be 2' },
    { name: 'packages/a/src/a.test.ts > group it says', why: `${'x'.repeat(400)}...` },
    { name: 'packages/b/src/b.test.ts', why: 'no such module' },
    { name: 'packages/d/src/d.test.ts', why: '' },
  ]);
  expect(failedTests('half', '/repo')).toEqual([]);
});
