import { expect, test } from 'vitest';

import { parseCommand, UsageError, wholeNumber } from './args.ts';

const OPTIONS = { json: { type: 'boolean', default: false }, seed: { type: 'string' } } as const;

test('options are parsed by their declared types', () => {
  const { values } = parseCommand(['--json', '--seed', '7'], OPTIONS);
  expect(values).toEqual({ json: true, seed: '7' });
});

test('an unknown option is a usage error that names it', () => {
  expect(() => parseCommand(['--sead', '7'], OPTIONS)).toThrow(UsageError);
  expect(() => parseCommand(['--sead', '7'], OPTIONS)).toThrow('--sead');
});

test('an argument where none is taken is a usage error', () => {
  expect(() => parseCommand(['more'], OPTIONS)).toThrow(UsageError);
  expect(parseCommand(['more'], OPTIONS, true).positionals).toEqual(['more']);
});

test.each(['', '-1', '1.5', '1e3', '101', 'x', ' 5', '9'.repeat(30)])(
  'a number option refuses %j',
  (text) => {
    expect(() => wholeNumber('events', text, 1, 100)).toThrow(UsageError);
  },
);

test('a number option takes its bounds', () => {
  expect([wholeNumber('events', '1', 1, 100), wholeNumber('events', '100', 1, 100)]).toEqual([
    1, 100,
  ]);
});
