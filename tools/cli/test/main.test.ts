import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

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
  expect(stdout).toContain('./dev <command>');
});

test('an unknown command exits 2, names the known ones and leaves stdout alone', () => {
  const { code, stdout, stderr } = cli('dmo');
  expect(code).toBe(2);
  expect(stderr).toContain('"dmo"');
  expect(stderr).toContain('demo');
  expect(stdout).toBe('');
});

test('an unknown option exits 2 and is named', () => {
  const { code, stderr } = cli('status', '--jsno');
  expect(code).toBe(2);
  expect(stderr).toContain('--jsno');
});

test('an unknown app exits 2 and the known ones are listed', () => {
  const { code, stderr } = cli('run', 'ingest-consumr');
  expect(code).toBe(2);
  expect(stderr).toContain('Known: ');
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
