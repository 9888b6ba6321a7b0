import { loadEnv } from '@adtally/config';
import { expect, test } from 'vitest';
import { DEDUP_ENV } from './env.ts';

test.each([
  ['redis://:s3cret@cache:99999', 'REDIS_URL: not a host and port: cache:99999'],
  ['redis+sentinel://h1', 'REDIS_URL: a Redis sentinel URL ends with /mastername'],
  ['redis://:100%@cache', 'REDIS_URL: URI malformed'],
  ['http://cache', /^configuration: REDIS_URL: its value is not allowed; give a URL beginning/],
])('%s is a problem at start', (url, problem) => {
  expect(() => loadEnv(DEDUP_ENV, { REDIS_URL: url })).toThrow(problem);
});

test('no Redis is the default', () => {
  expect(loadEnv(DEDUP_ENV, {}).redisUrl()).toBe('');
});
