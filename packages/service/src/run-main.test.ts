import { EXIT, runProgram } from '@adtally/command-line';
import { captured, checkCommandLine } from '@adtally/command-line/testing';
import { ConfigError } from '@adtally/config';
import { expect, test } from 'vitest';
import { serviceProgram } from './run-main.ts';

const started: string[] = [];

function service(problems: readonly string[] = [], run = async () => void started.push('it')) {
  return serviceProgram({
    app: 'counter',
    readme: 'apps/counter/README.md',
    summary: 'counts',
    load: () => {
      if (problems.length > 0) throw new ConfigError(problems);
      return { port: 1 };
    },
    describe: ({ port }) => ({ PORT: String(port) }),
    connections: ({ port }) => [
      { server: 'It (PORT)', attempt: () => Promise.resolve(`at ${port}`), explain: () => null },
    ],
    run,
  });
}

await checkCommandLine(service(), undefined);

const ran = async (program: ReturnType<typeof service>, ...argv: string[]) =>
  await captured(async () => await runProgram(program, argv, undefined));

test.each([['--chek-config'], ['--help'], ['help'], ['--check-config', 'now'], ['-v']])(
  'a service that is given %s does not start',
  async (...argv) => {
    const outcome = await ran(service(), ...argv);
    expect(outcome.code).toBe(argv[0] === '--help' ? EXIT.success : EXIT.usage);
    expect(started).toEqual([]);
  },
);

test('help says where the service is configured', async () => {
  expect((await ran(service(), '--help')).stdout).toContain('apps/counter/README.md');
});

test('a configuration is printed, or everything that is wrong with it told', async () => {
  expect(await ran(service(), '--check-config')).toEqual({
    code: EXIT.success,
    stdout: 'PORT=1\nconfiguration ok\n',
    stderr: '',
  });
  const told = 'adtally: configuration is wrong:\n  - PORT is none\n  - HOST is none\n';
  for (const argv of [['--check-config'], []]) {
    expect(await ran(service(['PORT is none', 'HOST is none']), ...argv)).toEqual({
      code: EXIT.configuration,
      stdout: '',
      stderr: told,
    });
  }
  expect(started).toEqual([]);
});

test('its servers are tried, and it does not start', async () => {
  const outcome = await ran(service(), '--check-connections');
  expect(outcome).toMatchObject({ code: EXIT.success, stdout: 'It (PORT): ok: at 1\n' });
  expect(started).toEqual([]);
});

test('what ends a service before it can log is one line, with its exit code', async () => {
  const refused = Object.assign(new Error('schema\nis newer'), { exitCode: EXIT.configuration });
  const failed = await ran(service([], async () => await Promise.reject(refused)));
  expect(failed).toMatchObject({ code: EXIT.configuration, stdout: '' });
  expect(JSON.parse(failed.stderr)).toContain('schema\nis newer');
});
