import { join } from 'node:path';
import { checkCommandLine, declaredCommands } from '@adtally/command-line/testing';
import { expect, test } from 'vitest';
import { describe, readConfig } from '../src/env.ts';
import { readProducerCheckConfig } from '../src/producer-check/env.ts';
import { PROGRAM } from '../src/program.ts';
import { runOps } from './support/ops.ts';

await checkCommandLine(PROGRAM, {
  readConfig: () => readConfig({}),
  readProducerCheckConfig: () => readProducerCheckConfig({}),
  describe,
});

const WHY = ['--reason', 'test'];
const DAY = ['--from', '2026-03-01', '--to', '2026-03-02'];
/** A right command line of each command that asks the database. */
const STATEMENT = join(import.meta.dirname, 'support/statement.json');

const LINES = [
  ['lag'],
  ['sources'],
  ['accept-loss', '--source', '1'],
  ['audit'],
  ['report', ...DAY],
  ['events', '--campaign', 'c', ...DAY],
  ['conflicts', 'list'],
  ['conflicts', 'show', 'ads/0@1'],
  ['conflicts', 'adjust', '--conflict', 'ads/0@1'],
  ['conflicts', 'adjustments'],
  ['statement', '--campaign', 'c-7', '--month', '2026-10'],
  ['statement', 'verify', STATEMENT],
  ['archive', 'list'],
  ['archive', 'restore', '--day', '2026-03-01', ...WHY],
  ['archive', 'drop-restored', '--day', '2026-03-01', ...WHY],
  ['producers'],
  ['topics'],
  ['topics', 'set', 'ad-events', '--amounts-as-strings', 'yes', ...WHY],
  ['dead-letters', 'list'],
  ['dead-letters', 'show', '1'],
  ['dead-letters', 'stats'],
  ['redrive'],
  ['redrive', 'jobs'],
  ['redrive', 'status', '1'],
  ['redrive', 'receipts', '1'],
  ['redrive', 'pause', '1', ...WHY],
  ['redrive', 'resume', '1', ...WHY],
  ['redrive', 'cancel', '1', ...WHY],
  ['discard', '--execute', ...WHY],
  ['restore', '--execute', ...WHY],
  ['incidents', 'list'],
  ['incidents', 'show', '1'],
  ['incidents', 'ack', '1', ...WHY],
];

const WITHOUT_DATABASE = [['archive', 'verify'], ['check-producer'], ['send']];

test('the lines below are all there are', async () => {
  const declared = (await declaredCommands(PROGRAM))
    .filter(({ path, command }) => path.length > 0 && command !== undefined)
    .map(({ path }) => path.join(' '));
  const said = [...LINES, ...WITHOUT_DATABASE].map((line) =>
    declared.filter((name) => line.join(' ').startsWith(name)),
  );
  expect(said.map((names) => names.at(-1)).toSorted()).toEqual(declared.toSorted());
});

test.each(LINES)(
  'a database that does not answer is told in one sentence: %s %s',
  async (...argv) => {
    const env = { DATABASE_URL: 'postgres://ann:secret@127.0.0.1:9/a' };
    expect(await runOps(argv, env)).toEqual({
      code: 69,
      stdout: '',
      stderr:
        'adtally: PostgreSQL at 127.0.0.1:9 (DATABASE_URL) does not answer: connection refused\n',
    });
  },
);
