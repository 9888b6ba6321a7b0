import { expect, test } from 'vitest';
import { exitCodeOf } from './exit-codes.ts';

test('an error decides the exit code also as the cause of another', () => {
  const cause = Object.assign(new Error('a setting is wrong'), { exitCode: 78 });
  expect(exitCodeOf(new Error('outer', { cause }))).toBe(78);
  expect(exitCodeOf(new Error('plain'))).toBeUndefined();
  expect(exitCodeOf(Object.assign(new Error('no code'), { exitCode: 256 }))).toBeUndefined();
});
