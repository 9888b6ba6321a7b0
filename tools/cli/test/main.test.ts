import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { checkCommandLine } from '@adtally/command-line/testing';
import { expect, test } from 'vitest';
import { PROGRAM } from '../src/program.ts';

await checkCommandLine(PROGRAM, undefined);

// The command line as a user starts it, in a process of its own.
const MAIN = resolve(import.meta.dirname, '../src/main.ts');

function cli(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  return cliWith({}, ...args);
}

function cliWith(
  env: Readonly<Record<string, string>>,
  ...args: string[]
): { code: number | null; stdout: string; stderr: string } {
  const result = spawnSync(process.execPath, ['--conditions=@adtally/source', MAIN, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

test('help goes to stdout and is a success', () => {
  const { code, stdout } = cli('help');
  expect(code).toBe(0);
  expect(stdout).toContain('Usage: ./dev ');
});

test('an unknown app exits 2, and the known ones are listed', () => {
  const { code, stderr } = cli('run', 'ingest-consumr');
  expect(code).toBe(2);
  expect(stderr).toContain('one of backfill-runner, ');
  expect(stderr).toContain('(Did you mean ingest-consumer?)');
});

test("an app's own help is the app's", () => {
  expect(cli('ops', '--help')).toMatchObject({ code: 0, stderr: '' });
  expect(cli('help', 'ops').stdout).toBe(cli('ops', '--help').stdout);
  expect(cli('audit', '--help')).toEqual(cli('ops', 'audit', '--help'));
});

test('a loss is accepted by one command alone, and another spelling of it accepts nothing', () => {
  const env = { DATABASE_URL: 'postgres://a@127.0.0.1:9/a' };
  const given = ['sources', 'accept-loss', '--source', '1', '--reason', 'none'];
  expect(cliWith(env, ...given)).toMatchObject({ code: 2, stdout: '' });
});

test.each([
  ['ingest-consumer', '--chek-config'],
  ['dlq-reprocessor', '--check-config', 'now'],
  ['dead-queue-alerter', 'start'],
  ['backfill-runner'],
])('%s starts nothing where its arguments are wrong: %s', (...argv) => {
  expect(cli('run', ...argv)).toMatchObject({ code: 2, stdout: '' });
});

test.each([
  ['audit'],
  ['sources'],
  ['migrate'],
  ['up'],
  ['demo'],
  ['test', '--only', 'tests'],
  ['bench', 'drain'],
  ['bench', 'reprocess'],
  ['bench', 'rollup'],
])('a database that does not answer is told in one sentence: %s', (...argv) => {
  // Brokers must only be named: the database is asked first.
  const servers = { KAFKA_BROKERS: '127.0.0.1:9', DATABASE_URL: 'postgres://a:b@127.0.0.1:9/a' };
  const outcome = cliWith(servers, ...argv);
  expect(outcome).toMatchObject({ code: 69, stdout: '' });
  expect(outcome.stderr).toMatch(
    /^adtally: (Kafka at \S+ \(KAFKA_BROKERS\) does not answer, )?PostgreSQL at 127\.0\.0\.1:9 \(DATABASE_URL\) does not answer.*\n$/,
  );
});

test('the exit code and the words of an app are those of the command', () => {
  const servers = { KAFKA_BROKERS: '127.0.0.1:9', DATABASE_URL: 'postgres://a@127.0.0.1/a' };
  const check = (events: string): ReturnType<typeof cli> =>
    cliWith({ ...servers, BATCH_MAX_EVENTS: events }, 'run', 'ingest-consumer', '--check-config');
  const good = check('1234');
  expect(good).toMatchObject({ code: 0, stderr: '' });
  expect(good.stdout).toContain('BATCH_MAX_EVENTS=1234');
  const bad = check('many');
  expect(bad.code).toBe(78);
  expect(bad.stderr).toContain('BATCH_MAX_EVENTS');
});

test.each([
  [['--only', 'everything'], '--only'],
  [['--only', 'gates', 'packages/db'], 'no filters'],
  [['--only', 'gates', '--repeat', '2'], '--repeat'],
  [['--repeat', '0'], '--repeat'],
  [['--repeat', 'often', 'packages/db'], '--repeat'],
  [['--affected', 'packages/db'], '--affected'],
  [['--base', 'main'], '--base'],
  [['--affected', '--base', 'no-such-branch'], 'no-such-branch'],
])('options %j of a test run exit 2, and it is said why', (args, why) => {
  const { code, stdout, stderr } = cli('test', ...args);
  expect(code).toBe(2);
  expect(stderr).toContain(why);
  expect(stdout).toBe('');
});
