import { ConfigError } from '@adtally/config';
import { expect, test } from 'vitest';
import { describe as describeConfig, readConfig } from './env.ts';

const NEEDED = {
  KAFKA_BROKERS: 'broker:9092',
  DATABASE_URL: 'postgres://user:a-secret@db/adtally',
};

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('brokers and database are all that is needed', () => {
  const config = readConfig(NEEDED);
  expect(config).toMatchObject({
    batchMaxEvents: 5_000,
    groupProtocol: 'auto',
    mayHaveGaps: false,
    startAt: { kind: 'log_start' },
  });
  expect(config.redisUrl()).toBe('');
  expect(config.topics.events.name).toBe('ad-events');
});

test('every problem is told at once, whichever part reads the variable', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://db',
    BATCH_MAX_EVENTS: '0',
    BATCH_LINGER_MS: 'soon',
    GROUP_PROTOCOL: 'static',
    EVENTS_TOPIC: 'a b',
    START_AT: 'now',
  });
  const names = ['DATABASE_URL', 'BATCH_MAX_EVENTS', 'BATCH_LINGER_MS', 'GROUP_PROTOCOL'];
  for (const name of [...names, 'EVENTS_TOPIC', 'KAFKA_BROKERS', 'START_AT']) {
    expect(problems.some((problem) => problem.includes(name))).toBe(true);
  }
});

test('the lock time-out must lie below the statement time-out', () => {
  const problems = problemsOf({ ...NEEDED, LOCK_TIMEOUT_MS: '30s', STATEMENT_TIMEOUT_MS: '30s' });
  expect(problems).toEqual([expect.stringContaining('LOCK_TIMEOUT_MS')]);
});

test.each([
  ['earliest', { kind: 'log_start' }],
  ['group:billing', { kind: 'group', groupId: 'billing' }],
  ['2026-03-01T00:00:00Z', { kind: 'time', timeMs: Date.UTC(2026, 2, 1) }],
  ['2026-03-01T01:00+01:00', { kind: 'time', timeMs: Date.UTC(2026, 2, 1) }],
  ['2026-03-01T00:00:00.000001Z', { kind: 'time', timeMs: Date.UTC(2026, 2, 1) + 1 }],
])('START_AT=%s is understood', (text, startAt) => {
  expect(readConfig({ ...NEEDED, START_AT: text }).startAt).toEqual(startAt);
});

test.each([
  'group:',
  'yesterday',
  '2026-03-01',
  '2026-99-01T00:00:00Z',
  '2026-02-30T00:00:00Z',
  '2026-03-01T00:00:00',
])('START_AT=%s is refused', (text) => {
  expect(problemsOf({ ...NEEDED, START_AT: text })).toEqual([expect.stringContaining('START_AT')]);
});

test('START_AT=group:... is refused for the group whose offsets the service commits itself', () => {
  const problems = (group: string) =>
    problemsOf({ ...NEEDED, START_AT: `group:${group}`, CONSUMER_GROUP: 'ours' });
  expect(problems('ours')).toEqual([expect.stringContaining('START_AT=group:ours')]);
  expect(problems('billing')).toEqual([]);
});

test('a secret whose file cannot be read, and one given twice, are problems like others', () => {
  const problems = problemsOf({
    ...NEEDED,
    DATABASE_URL_FILE: '/run/secrets/database',
    KAFKA_SASL_PASSWORD_FILE: '/does/not/exist',
    LOG_LEVEL: 'loud',
  });
  expect(problems).toEqual([
    'DATABASE_URL and DATABASE_URL_FILE are both set: give one of them',
    expect.stringContaining('LOG_LEVEL'),
    'KAFKA_SASL_PASSWORD_FILE: cannot read "/does/not/exist" (ENOENT)',
  ]);
});

test('what is in effect is told without secrets', () => {
  const told = describeConfig(
    readConfig({ ...NEEDED, ADMIN_TOKEN: 'another-secret', START_AT: 'group:billing' }),
  );
  expect(told).toMatchObject({ KAFKA_BROKERS: 'broker:9092', START_AT: 'group:billing' });
  expect(JSON.stringify(told)).not.toMatch(/a-secret|another-secret/);
});
