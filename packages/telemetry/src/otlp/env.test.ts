import { ConfigError, describeConfig, loadEnv } from '@adtally/config';
import { expect, test } from 'vitest';
import { OTEL_ENV, parseHeaders } from './env.ts';
import { exportPlan } from './plan.ts';

const plan = (env: Readonly<Record<string, string>>) => exportPlan(loadEnv(OTEL_ENV, env));
const HERE = 'http://collector:4318';

test('nothing is exported unless an endpoint or an exporter is set', () => {
  expect(plan({})).toBeNull();
  expect(plan({ OTEL_SERVICE_NAME: 'a', OTEL_TRACES_SAMPLER: 'always_on' })).toBeNull();
  expect(plan({ OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' })).toBeNull();
  expect(plan({ OTEL_EXPORTER_OTLP_ENDPOINT: HERE, OTEL_SDK_DISABLED: 'true' })).toBeNull();
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${HERE}/` }, `${HERE}/v1/traces`, `${HERE}/v1/metrics`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${HERE}/a` }, `${HERE}/a/v1/traces`, `${HERE}/a/v1/metrics`],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${HERE}/in` }, `${HERE}/in`, undefined],
  [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${HERE}/in` }, undefined, `${HERE}/in`],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: HERE, OTEL_TRACES_EXPORTER: 'none' },
    undefined,
    `${HERE}/v1/metrics`,
  ],
  [{ OTEL_TRACES_EXPORTER: 'otlp' }, 'http://localhost:4318/v1/traces', undefined],
])('%o', (env, traces, metrics) => {
  const { traces: toTraces, metrics: toMetrics } = plan(env) ?? {};
  expect([toTraces?.url, toMetrics?.url]).toEqual([traces, metrics]);
});

test.each([
  ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
  ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json'],
  ['OTEL_EXPORTER_OTLP_METRICS_PROTOCOL', 'grpc'],
  ['OTEL_TRACES_EXPORTER', 'zipkin'],
  ['OTEL_METRICS_EXPORTER', 'console'],
  ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
  ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
  ['OTEL_TRACES_SAMPLER_ARG', 'half'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4317'],
  ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'https://user:secret@collector:4318'],
  ['OTEL_EXPORTER_OTLP_ENDPOINT', 'http://collector:port'],
  ['OTEL_SDK_DISABLED', 'maybe'],
])('%s=%s is refused by its name', (variable, value) => {
  expect(() => loadEnv(OTEL_ENV, { [variable]: value })).toThrow(ConfigError);
  expect(() => loadEnv(OTEL_ENV, { [variable]: value })).toThrow(variable);
});

test('headers are read as the standard writes them, and never shown', () => {
  expect(parseHeaders('authorization=Bearer%20abc, x-team=ads,')).toEqual({
    authorization: 'Bearer abc',
    'x-team': 'ads',
  });
  const config = loadEnv(OTEL_ENV, { OTEL_EXPORTER_OTLP_HEADERS: 'a=c2VjcmV0' });
  expect(JSON.stringify(describeConfig(OTEL_ENV, config))).not.toContain('c2VjcmV0');
});

test.each(['no-value', 'a=%zz', '=x', 'a b=c', 'a=x%0d%0ay'])(
  'headers %s are refused',
  (listed) => {
    expect(parseHeaders(listed)).toBeNull();
    expect(() => loadEnv(OTEL_ENV, { OTEL_EXPORTER_OTLP_HEADERS: listed })).toThrow(
      'OTEL_EXPORTER_OTLP_HEADERS: its value is not allowed',
    );
  },
);
