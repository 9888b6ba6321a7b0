import { runProgram } from '@adtally/command-line';
import { captured, checkCommandLine, declaredCommands } from '@adtally/command-line/testing';
import { expect, test } from 'vitest';
import { describe, readConfig } from '../src/env.ts';
import { PROGRAM } from '../src/program.ts';

const environmentOf = (env: Record<string, string>) => ({
  readConfig: async () => readConfig(env),
  describe: async (config: ReturnType<typeof readConfig>) => describe(config),
});

await checkCommandLine(PROGRAM, environmentOf({}));

const ENV = {
  DATABASE_URL: 'postgres://ann:secret@127.0.0.1:9/a',
  KAFKA_BROKERS: '127.0.0.1:9',
};

const ran = async (...argv: string[]) =>
  await captured(async () => await runProgram(PROGRAM, argv, environmentOf(ENV)));

const DO = ['--execute', '--reason', 'test'];
/** A right command line of each command. */
const LINES = [
  ['plan'],
  ['run', ...DO],
  ['resume', '1', ...DO],
  ['pause', '1', ...DO],
  ['cancel', '1', ...DO],
  ['replay', ...DO],
  ['replay', 'resume', '1', ...DO],
  ['replay', 'pause', '1', ...DO],
  ['replay', 'cancel', '1', ...DO],
  ['status'],
  ['drop-days'],
  ['drop-timeless'],
  ['promote', '--version', '3', ...DO],
  ['rollback', ...DO],
  ['compare', '2', '3'],
];

test('the lines below are all there are', async () => {
  const declared = (await declaredCommands(PROGRAM)).filter(({ path }) => path.length > 0);
  const names = LINES.map((words) => {
    const end = words.findIndex((word) => !/^[a-z][a-z-]*$/.test(word));
    return words.slice(0, end < 0 ? undefined : end).join(' ');
  });
  expect(names).toEqual(declared.map(({ path }) => path.join(' ')));
});

test.each(LINES)('a database that does not answer is told in one sentence: %s', async (...argv) => {
  expect(await ran(...argv)).toEqual({
    code: 69,
    stdout: '',
    stderr:
      'adtally: PostgreSQL at 127.0.0.1:9 (DATABASE_URL) does not answer: connection refused\n',
  });
});

test.each([
  [[], 'name a command, or --watch'],
  [['run', '--execute'], '--reason TEXT is required'],
  [['run', '--from', '2026-03-02', '--to', '2026-03-01'], '--from must lie before --to'],
  [['run', '--by', 'cohrt'], '(Did you mean cohort?)'],
  [['promote'], '--version <N> is required'],
  [['compare', '2'], "missing required argument 'right'"],
  [['replay', '--from-offset', '3'], 'only with --partition'],
  [['replay', 'resume', '1', '--partition', '3'], "unknown option '--partition'"],
  [['replay', 'pause'], "missing required argument 'id'"],
  [['replay', '--json', 'pause', '1'], '--json must not stand before a command'],
  [['replay', '--partition', '3,3'], 'a partition is named twice'],
  [['--watch', 'status'], '--watch must not stand before a command'],
])('wrong usage is told before anything is asked of a server: %j', async (argv, message) => {
  const refused = await ran(...argv);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain(message);
});
