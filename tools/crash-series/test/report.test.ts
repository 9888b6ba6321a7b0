import { expect, test } from 'vitest';
import { reportMarkdown, type RecordedResult } from '../src/index.ts';

const RESULT: RecordedResult = {
  name: 'pipeline/batch-committer BatchCommitter.commit > prepare',
  side: 'before',
  signal: 'SIGKILL',
  protocol: 'commit',
  evidence: 'said so, ended by SIGKILL',
  problems: [],
  command: './dev crash-series --jobs 2',
  commit: 'abc1234',
  machine: '2 cores',
  load: 1.25,
  at: '2026-11-30T12:00:00.000Z',
};
const FROZEN: RecordedResult = {
  ...RESULT,
  signal: 'SIGSTOP',
  evidence:
    'said so, stood still, went on and ended with code 69, "PostgreSQL at 10.0.0.1:5432 is away"',
  command: './dev crash-series --stop --jobs 2',
  at: '2026-11-30T13:00:00.000Z',
};

test('a report counts by command what was exact, folds the places by file, and says what zombies warned of', () => {
  const text = reportMarkdown([
    RESULT,
    { ...RESULT, side: 'after', evidence: 'in one moment with another' },
    FROZEN,
  ]);
  expect(text).toContain('**3 of 3 places and sides exact**, by 2 processes');
  expect(text).toContain(
    '| `./dev crash-series --jobs 2` | 2026-11-30T12:00 | 12:00 | abc1234 | 1.3 | 1 | 2 of 2 |',
  );
  expect(text).toMatch(
    /<summary>pipeline\/batch-committer: 1 of \d+ places, 2 sides killed at, 1 frozen at<\/summary>/,
  );
  expect(text).toContain('| `BatchCommitter.commit > prepare` | before, after | before |');
  expect(text).toContain('| commit | PostgreSQL at HOST:PORT is away | 1 |');
  expect(text).not.toContain('WRONG');
});

test('what was not exact stands at the top and at its place; a newer result of the same place goes before it', () => {
  const bad = { ...RESULT, problems: ['events: 1 of 2'] };
  const text = reportMarkdown([bad]);
  expect(text).toContain('**0 of 1 places and sides exact**');
  expect(text).toContain(`- SIGKILL before \`${RESULT.name}\`: events: 1 of 2`);
  expect(text).toContain('| `BatchCommitter.commit > prepare` | before: WRONG |  |');
  expect(text).toContain('SIGSTOP: not run.');
  const anew = reportMarkdown([bad, RESULT]);
  expect(anew).toContain('**1 of 1 places and sides exact**');
  expect(anew).toContain('1 results that were not exact were gone through anew');
});
