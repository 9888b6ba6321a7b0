import { ConfigError, EXIT_CONFIG } from '@adtally/config';
import { expect, test } from 'vitest';
import { exitCodeOf } from './service.ts';

test('a configuration error decides the exit code also as the cause of another', () => {
  expect(exitCodeOf(new Error('outer', { cause: new ConfigError(['x']) }))).toBe(EXIT_CONFIG);
  expect(exitCodeOf(new Error('plain'))).toBe(1);
});
