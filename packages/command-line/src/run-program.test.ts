import { expect, test } from 'vitest';
import { command, type Program } from './command.ts';
import { CommandError, UsageError } from './errors.ts';
import { EXIT } from './exit-codes.ts';
import { flag, JSON_OPTION, list, operand, operands, option, required } from './parameters.ts';
import { runProgram } from './run-program.ts';
import { captured, checkCommandLine } from '../testing/index.ts';
import { choice, id, text, wholeNumber } from './value-types.ts';

/** What the last command got, beside the context. */
interface Seen {
  last?: unknown;
  loaded: string[];
}

const redrive = command({
  options: {
    rate: option(wholeNumber(1, 10), 'letters a second', { default: 5 }),
    limit: option(wholeNumber(1, 10), 'how many'),
    state: list(choice(['dead', 'pending']), 'which'),
    'dry-run': flag('only look'),
    ...JSON_OPTION,
  },
  run: async ({ options }, seen: Seen) => {
    seen.last = options;
    return EXIT.success;
  },
});
const order = command({
  operands: { job: operand(id('job'), 'which job') },
  options: { reason: required(text('TEXT'), 'why; kept for good') },
  run: async ({ options, operands: { job } }, seen: Seen) => {
    seen.last = { job, ...options };
    return EXIT.refused;
  },
});
const failing = command({
  operands: { how: operand(choice(['usage', 'bare', 'sentence', 'problems', 'bug']), 'how') },
  run: async ({ operands: { how } }) => {
    if (how === 'usage') throw new UsageError('these two exclude each other');
    if (how === 'bare') throw new UsageError('name one', { showsHelp: true });
    if (how === 'sentence') {
      const cause = new CommandError('it does not answer', { exitCode: EXIT.unavailable });
      throw new Error('outer', { cause });
    }
    if (how === 'problems') {
      throw Object.assign(new Error('A, B'), { exitCode: 78, problems: ['A is', 'B is'] });
    }
    throw new Error('unforeseen');
  },
});
const passing = (passesOn: 'everything' | 'after the first operand') =>
  command({
    operands: { words: operands('words', 'what it is given') },
    passesOn,
    run: async ({ operands: { words } }, seen: Seen) => {
      seen.last = words;
      return EXIT.success;
    },
  });

function program(seen: Seen): Program<Seen> {
  const loaded = <T>(name: string, one: T) => {
    return async () => {
      seen.loaded.push(name);
      return one;
    };
  };
  return {
    name: 'prog',
    summary: 'a program',
    notes: 'Exit codes: 0 success.',
    commands: {
      redrive: {
        summary: 'try again',
        load: loaded('redrive', redrive),
        commands: { pause: { summary: 'hold a job', load: loaded('pause', order) } },
      },
      fail: { summary: 'fail', load: loaded('fail', failing) },
      group: {
        summary: 'a group',
        commands: { pass: { summary: 'pass all on', load: loaded('pass', passing('everything')) } },
      },
      run: { summary: 'pass the rest on', load: loaded('run', passing('after the first operand')) },
    },
  };
}

await checkCommandLine(program({ loaded: [] }), { loaded: [] });

async function ran(...argv: string[]) {
  const seen: Seen = { loaded: [] };
  const outcome = await captured(async () => await runProgram(program(seen), argv, seen));
  return { ...outcome, ...seen };
}

test('a command gets what it declared, typed, and answers the exit code', async () => {
  const nothing = { rate: 5, limit: undefined, state: undefined, 'dry-run': false, json: false };
  expect(await ran('redrive')).toMatchObject({ code: 0, last: nothing, stderr: '' });
  const words = [
    '--rate=7',
    '--limit',
    '2',
    '--limit',
    '3',
    '--dry-run',
    '--state',
    'dead, pending',
  ];
  const given = await ran('redrive', ...words, '--state', 'dead');
  expect(given.last).toEqual({
    ...nothing,
    rate: 7,
    limit: 3,
    'dry-run': true,
    state: ['dead', 'pending', 'dead'],
  });
  const paused = await ran('redrive', 'pause', '007', '--reason', ' busy ');
  expect(paused).toMatchObject({ code: 4, last: { job: '7', reason: 'busy' } });
});

test('only the command that was asked for is loaded', async () => {
  expect((await ran('help')).loaded).toEqual([]);
  expect((await ran('help', 'redrive', 'pause')).loaded).toEqual(['redrive', 'pause']);
  expect((await ran('rederive')).loaded).toEqual([]);
});

test.each([
  [['redrive', '--rate', '11'], '--rate must be a whole number from 1 to 10, not "11"'],
  [
    ['redrive', '--state', 'ded'],
    '--state must be one of dead, pending, not "ded" (Did you mean dead?)',
  ],
  [['redrive', '--state', 'dead,'], '--state needs a value'],
  [['redrive', '--rate'], "option '--rate <N>' argument missing"],
  [['redrive', 'puase'], "unknown command 'puase' (Did you mean pause?)"],
  [['redrive', 'puase', '--reason', 'x'], "unknown command 'puase' (Did you mean pause?)"],
  [['redrive', '--rat', '5'], "unknown option '--rat' (Did you mean --rate?)"],
  [['redrive', '--json', 'pause', '1', '--reason', 'x'], '--json must not stand before a command'],
  [['redrive', 'pause', '1'], '--reason <TEXT> is required: why; kept for good'],
  [
    ['redrive', 'pause', '1', '--reason', '--json'],
    '--reason must be a text that does not begin with a dash',
  ],
  [['redrive', 'pause', '1', '--reason', ' '], '--reason must be a text'],
  [['redrive', 'pause', '--reason', 'x'], "missing required argument 'job'"],
  [
    ['redrive', 'pause', '9223372036854775808', '--reason', 'x'],
    '<job> must be the number of a job',
  ],
  [['fail', 'usage'], 'these two exclude each other'],
  [['--json', 'redrive'], "unknown option '--json'"],
  [['help', 'rederive'], "unknown command 'rederive' (Did you mean redrive?)"],
])('%j is refused with exit code 2 on standard error', async (argv, message) => {
  const refused = await ran(...argv);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain(`adtally: ${message}`);
  expect(refused.stderr).toMatch(/\nSee prog.* --help\n$/);
  expect(refused.last).toBeUndefined();
});

test.each([[[]], [['group']], [['fail', 'bare']]])(
  'without a command, %j says what there is, on standard error',
  async (argv) => {
    const refused = await ran(...argv);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain(`Usage: ${['prog', ...argv.slice(0, 1)].join(' ')} `);
  },
);

test('an error that was foreseen is told by its sentence, any other with its trace', async () => {
  expect(await ran('fail', 'sentence')).toMatchObject({ code: 69, stdout: '' });
  expect((await ran('fail', 'problems')).stderr).toBe(
    'adtally: configuration is wrong:\n  - A is\n  - B is\n',
  );
  const bug = await ran('fail', 'bug');
  expect(bug.code).toBe(1);
  expect(bug.stderr).toMatch(/^adtally: Error: unforeseen\n +at /);
});

test("another program's arguments are passed on as they are", async () => {
  const words = ['app', '--help', '-x', '--', '--json', 'help'];
  expect((await ran('run', ...words)).last).toEqual(words);
  expect((await ran('group', 'pass', '--help', ...words)).last).toEqual(['--help', ...words]);
  expect((await ran('run', '--help')).stdout).toContain('Usage: prog run ');
  expect((await ran('run', '-x', 'app')).code).toBe(2);
});
