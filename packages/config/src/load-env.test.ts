import { expect, test } from 'vitest';
import { ConfigError } from './config-error.ts';
import { bool, durationMs, int, oneOf, optionalInt, shareOrOff, text, url } from './fields.ts';
import { describeConfig, loadEnv } from './load-env.ts';

const meaning = 'of this test';
const SCHEMA = {
  group: text('CONSUMER_GROUP', { default: 'adtally', meaning }),
  rows: int('BATCH_MAX_EVENTS', { default: 5000, min: 1, max: 20_000, meaning }),
  linger: durationMs('BATCH_LINGER', { default: 50, min: 0, max: 60_000, meaning }),
  verbose: bool('VERBOSE', { default: false, meaning }),
  policy: oneOf('POLICY', ['warn', 'refuse'], { default: 'warn', meaning }),
  database: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'], meaning }),
  redis: url('REDIS_URL', { schemes: ['redis', 'rediss'], default: '', meaning }),
  token: text('TOKEN', { hidden: true, default: '', meaning }),
};
const GOOD = { DATABASE_URL: 'postgres://user:hunter2@db:5432/adtally?sslpassword=hunter3' };

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    loadEnv(SCHEMA, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('gives typed values, defaults for what is unset or empty, and a frozen result', () => {
  const config = loadEnv(SCHEMA, {
    ...GOOD,
    BATCH_MAX_EVENTS: '7',
    BATCH_LINGER: '2s',
    VERBOSE: 'yes',
    POLICY: 'refuse',
    CONSUMER_GROUP: '',
  });
  expect(config).toEqual({
    group: 'adtally',
    rows: 7,
    linger: 2000,
    verbose: true,
    policy: 'refuse',
    database: GOOD.DATABASE_URL,
    redis: '',
    token: '',
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('names every bad variable at once, with what is allowed', () => {
  const problems = problemsOf({
    BATCH_MAX_EVENTS: '20001',
    BATCH_LINGER: 'soon',
    VERBOSE: 'maybe',
    POLICY: 'ignore',
    REDIS_URL: 'http',
  });
  expect(problems).toEqual([
    'BATCH_MAX_EVENTS: "20001" is not allowed; give an integer 1..20000 (default "5000")',
    expect.stringMatching(/^BATCH_LINGER: "soon" .* duration of 0\.\.60000 ms/),
    expect.stringMatching(/^VERBOSE: "maybe" .* true or false/),
    expect.stringMatching(/^POLICY: "ignore" .* one of warn, refuse/),
    'DATABASE_URL is required: a URL beginning with postgres:// or postgresql://',
    expect.stringMatching(/^REDIS_URL: "http" .* redis:\/\/ or rediss:\/\//),
  ]);
});

test.each(['1.5', '1e3', ' 7', '0x10', '-1', '99999999999999999999', 'NaN'])(
  'does not take %j for an integer in range',
  (value) => {
    expect(problemsOf({ ...GOOD, BATCH_MAX_EVENTS: value })).toHaveLength(1);
  },
);

test('a bad value cannot forge a line, and no secret is quoted', () => {
  const problems = problemsOf({
    ...GOOD,
    POLICY: `x\n  - all is well${'y'.repeat(500)}`,
    TOKEN: 's3cret'.repeat(1000),
    REDIS_URL: 'reddis://:hunter2@cache',
  }).join('|');
  expect(problems).not.toContain('\n');
  expect(problems).not.toMatch(/s3cret|hunter2/);
  expect(problems.length).toBeLessThan(600);
});

test('describes what is in effect with secrets and passwords masked', () => {
  const config = loadEnv(SCHEMA, { ...GOOD, TOKEN: 's3cret', REDIS_URL: 'redis://:pw@cache:1/0' });
  const described = describeConfig(SCHEMA, config);
  expect(described).toMatchObject({
    DATABASE_URL: 'postgres://user:***@db:5432/adtally?sslpassword=***',
    REDIS_URL: 'redis://:***@cache:1/0',
    TOKEN: '***',
    BATCH_MAX_EVENTS: '5000',
  });
});

test('values that do not go together are a configuration error too, with exit code 78', () => {
  const rule = {
    of: ['linger', 'rows'] as const,
    problem: ({ linger, rows }: { linger: number; rows: number }) =>
      linger > rows ? undefined : `BATCH_LINGER ${linger} is odd`,
  };
  expect(() => loadEnv(SCHEMA, GOOD, [rule])).toThrow('BATCH_LINGER 50 is odd');
  expect(() => loadEnv(SCHEMA, { ...GOOD, BATCH_LINGER: '6s' }, [rule])).not.toThrow();
  expect(new ConfigError(['x']).exitCode).toBe(78);
});

test('what goes together is judged beside other problems, and only where each is fine alone', () => {
  const rule = (of: readonly (keyof typeof SCHEMA)[]) => ({ of, problem: () => `odd: ${of}` });
  const env = { ...GOOD, VERBOSE: 'maybe' };
  const rules = [rule(['linger', 'rows']), rule(['verbose', 'rows'])];
  expect(() => loadEnv(SCHEMA, env, rules)).toThrow(
    /VERBOSE: "maybe" is not .*; odd: linger,rows$/,
  );
});

test.each([
  ['0.5', 0.5],
  ['.25', 0.25],
  ['off', null],
  ['OFF', null],
])('%s is a share or none', (value, expected) => {
  const schema = { share: shareOrOff('SHARE', { default: 0.5, meaning }) };
  const config = loadEnv(schema, { SHARE: value });
  expect(config.share).toBe(expected);
  expect(describeConfig(schema, config)).toEqual({ SHARE: String(expected ?? 'off') });
});

test.each(['0', '1', '0.0', '1.5', '50%', '-0.5', 'none', '5e-1'])(
  'does not take %j for a share',
  (value) => {
    const schema = { share: shareOrOff('SHARE', { default: 0.5, meaning }) };
    expect(() => loadEnv(schema, { SHARE: value })).toThrow(/SHARE.*between 0 and 1.*or off/);
  },
);

test('a duration that is kept in whole seconds is taken in no other, and says so by name', () => {
  const tolerance = durationMs('TOLERANCE', {
    default: 86_400_000,
    min: 0,
    max: 90_000_000,
    isWholeSeconds: true,
    meaning,
  });
  expect(['0', '2s', '2000', '25h'].map((TOLERANCE) => tolerance.read({ TOLERANCE }))).toEqual(
    [0, 2_000, 2_000, 90_000_000].map((value) => ({ value })),
  );
  for (const given of ['1500ms', '999', '90001s']) {
    expect(tolerance.read({ TOLERANCE: given })).toEqual({
      problems: [
        `TOLERANCE: "${given}" is not allowed; give a duration of 0..90000 s in whole seconds, written 5s, 2m or 1h (default "24h")`,
      ],
    });
  }
});

test('a number that may be left out reads as null, and is held to its bounds where it is given', () => {
  const schema = { days: optionalInt('DAYS', { min: 1, max: 9, meaning: '' }) };
  expect(loadEnv(schema, {}).days).toBeNull();
  expect(loadEnv(schema, { DAYS: ' ' }).days).toBeNull();
  expect(loadEnv(schema, { DAYS: '9' }).days).toBe(9);
  expect(() => loadEnv(schema, { DAYS: '10' })).toThrow('DAYS: "10" is not allowed');
  expect(describeConfig(schema, { days: null })).toEqual({ DAYS: '' });
});
