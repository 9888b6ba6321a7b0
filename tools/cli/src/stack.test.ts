import { StackError } from '@adtally/local-stack';
import { expect, test } from 'vitest';

import { requireDatabaseUrl, serviceEnvironment, stackEnvironment } from './stack.ts';

const RUNNING = {
  kafkaBrokers: '127.0.0.1:1',
  databaseUrl: 'postgres://a@127.0.0.1:2/a',
  redisUrl: 'redis://127.0.0.1:3',
};

test('a service gets the addresses of the running servers', () => {
  expect(serviceEnvironment({ HOME: '/h' }, RUNNING)).toEqual({
    HOME: '/h',
    KAFKA_BROKERS: '127.0.0.1:1',
    DATABASE_URL: 'postgres://a@127.0.0.1:2/a',
    REDIS_URL: 'redis://127.0.0.1:3',
  });
});

test('what the caller set stays, and an empty REDIS_URL stays empty: it means no Redis', () => {
  const env = { KAFKA_BROKERS: 'mine:9092', REDIS_URL: '' };
  expect(serviceEnvironment(env, RUNNING)).toMatchObject(env);
});

test('servers that do not run are left out', () => {
  expect(stackEnvironment({ redisUrl: 'redis://127.0.0.1:3' })).toEqual({
    REDIS_URL: 'redis://127.0.0.1:3',
  });
});

test('without a database the error says what to do', () => {
  expect(requireDatabaseUrl(RUNNING)).toBe(RUNNING.databaseUrl);
  expect(() => requireDatabaseUrl({})).toThrow(StackError);
  expect(() => requireDatabaseUrl({})).toThrow('./dev up');
});
