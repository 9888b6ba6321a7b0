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

test('brokers and database are all that is needed; the rule is more than 5 in 60 s', () => {
  expect(readConfig(NEEDED)).toMatchObject({
    deadRateThreshold: 5,
    deadRateWindowMs: 60_000,
    incidentResolveMs: 300_000,
    incidentUpdateMs: 60_000,
    incidentRepeatMs: 14_400_000,
    alertEnv: 'default',
    alertLabels: {},
    runbookBaseUrl: '',
    topics: { dead: { name: 'ad-events.dead' } },
  });
});

test('every problem is told at once, and no secret with it', () => {
  const problems = problemsOf({
    DATABASE_URL: 'mysql://db',
    DEAD_RATE_THRESHOLD: 'five',
    DEAD_RATE_WINDOW_MS: '0',
    ALERT_WEBHOOK_URL: 'ftp://a-secret',
    SLACK_WEBHOOK_URL: 'a-secret',
    DEAD_TOPIC: 'a b',
  });
  const names = ['DATABASE_URL', 'DEAD_RATE_THRESHOLD', 'DEAD_RATE_WINDOW_MS', 'DEAD_TOPIC'];
  for (const name of [...names, 'ALERT_WEBHOOK_URL', 'SLACK_WEBHOOK_URL', 'KAFKA_BROKERS']) {
    expect(problems.some((problem) => problem.includes(name))).toBe(true);
  }
  expect(problems.join()).not.toContain('a-secret');
});

test.each([
  [{ SINK_RETRY_MS: '2m' }, 'SINK_RETRY_MAX_MS'],
  [{ DEAD_COPY_MEMORY_MS: '10s' }, 'DEAD_COPY_MEMORY_MS'],
  [{ ALERT_WEBHOOK_URL: 'http://a b' }, 'ALERT_WEBHOOK_URL'],
  [{ ALERTMANAGER_URL: 'http://:x' }, 'ALERTMANAGER_URL'],
  [{ RUNBOOK_BASE_URL: 'docs/runbooks' }, 'RUNBOOK_BASE_URL'],
  [{ ALERT_LABELS: 'team' }, 'ALERT_LABELS: team has no value'],
  [{ ALERT_LABELS: 'team=ads,' }, 'ALERT_LABELS: "" is no name of a label'],
  [{ ALERT_LABELS: 'the-team=ads' }, 'ALERT_LABELS: "the-team" is no name of a label'],
  [{ ALERT_LABELS: '__name__=x' }, 'ALERT_LABELS: "__name__" is no name of a label'],
  [{ ALERT_LABELS: 'severity=page' }, 'ALERT_LABELS: severity is set by the alerter'],
  [{ ALERT_LABELS: 'team=a,team=b' }, 'ALERT_LABELS: team is given twice'],
  [{ ALERT_LABELS: `team=${'x'.repeat(201)}` }, 'ALERT_LABELS: the value of team'],
  [{ ALERT_LABELS: 'team=a\nb' }, 'ALERT_LABELS: the value of team'],
])('values that do not go together are refused: %o', (env, named) => {
  expect(problemsOf({ ...NEEDED, ...env })).toEqual([expect.stringContaining(named)]);
});

test('labels are taken as they are given, and shown so', () => {
  const config = readConfig({ ...NEEDED, ALERT_LABELS: 'team=ads, cluster=eu1,query=a=b' });
  expect(config.alertLabels).toEqual({ team: 'ads', cluster: 'eu1', query: 'a=b' });
  expect(describeConfig(config)).toMatchObject({ ALERT_LABELS: 'team=ads,cluster=eu1,query=a=b' });
});

test('what is in effect is told without addresses of sinks and other secrets', () => {
  const told = describeConfig(
    readConfig({
      ...NEEDED,
      ADMIN_TOKEN: 'a-secret',
      ALERT_WEBHOOK_URL: 'https://hooks.example/a-secret',
      SLACK_WEBHOOK_URL: 'https://slack.example/a-secret',
      ALERTMANAGER_URL: 'http://am/a-secret',
      PAGERDUTY_ROUTING_KEY: 'a-secret',
    }),
  );
  expect(told).toMatchObject({ DEAD_TOPIC: 'ad-events.dead', DEAD_RATE_THRESHOLD: '5' });
  expect(JSON.stringify(told)).not.toContain('a-secret');
});
