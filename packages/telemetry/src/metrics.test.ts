import { expect, onTestFinished, test } from 'vitest';
import { METRIC_DEFINITIONS, type MetricDefinition } from './metric-definitions.ts';
import { metricsDocument } from './metrics-document.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';

function create(options: Partial<MetricsOptions> = {}) {
  const metrics = createMetrics({ service: 'a-service', version: '1.2.3', ...options });
  onTestFinished(() => metrics.shutdown());
  return metrics;
}

const SAMPLE =
  /^([a-zA-Z_][a-zA-Z0-9_]*)(\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (NaN|[+-]?Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/;

/** A strict reading of the Prometheus text format: series (with labels) to value. */
function parse(text: string): { series: Map<string, number>; types: Map<string, string> } {
  const series = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    if (line.startsWith('# TYPE ')) {
      const [, , name, type] = line.split(' ');
      types.set(name ?? '', type ?? '');
      continue;
    }
    const match = SAMPLE.exec(line);
    if (match === null) throw new Error(`not a sample: ${line}`);
    const key = `${match[1]}${match[2] ?? ''}`;
    if (series.has(key)) throw new Error(`series twice: ${key}`);
    series.set(key, Number(match[3]));
  }
  return { series, types };
}

test('the text parses and holds every documented name with its type', async () => {
  const metrics = create();
  // Open labels have no series before their first use, histograms none before their first value.
  metrics.deadLetters.add(1, { code: 'empty' });
  metrics.partitionHalted.set(1, { partition: '3', reason: 'truncated "log"\n\\' });
  metrics.lagRecords.set(7, { partition: '3' });
  metrics.breakerOpen.set(1, { partition: '3' });
  metrics.lettersDead.add(1, { code: 'empty' });
  metrics.letters.set(4, { state: 'pending' });
  metrics.batchRows.record(5000);
  metrics.batchWriteSeconds.record(0.02);
  metrics.commitLatencySeconds.record(0.3);
  metrics.handoverSeconds.record(0.4);
  metrics.rollupTurnSeconds.record(0.1);
  const { types, series } = parse(await metrics.render());
  for (const definition of Object.values<MetricDefinition>(METRIC_DEFINITIONS)) {
    const name = definition.kind === 'histogram' ? `${definition.name}_count` : definition.name;
    const found = [...series.keys()].some((key) => key === name || key.startsWith(`${name}{`));
    expect([definition.name, types.get(definition.name), found]).toEqual([
      definition.name,
      definition.kind,
      true,
    ]);
  }
  expect(series.get('adtally_batch_rows_bucket{le="4000"}')).toBe(0);
  expect(series.get('adtally_batch_rows_bucket{le="5000"}')).toBe(1);
});

test('every series of a closed label is 0 before anything happened', async () => {
  const metrics = create({ deadLetterCodes: ['empty', 'oversize'] });
  const { series } = parse(await metrics.render());
  for (const outcome of METRIC_DEFINITIONS.events.labels.outcome) {
    expect(series.get(`adtally_events_total{outcome="${outcome}"}`)).toBe(0);
  }
  expect(series.get('adtally_redis_failures_total{operation="mark",kind="timeout"}')).toBe(0);
  expect(series.get('adtally_dead_letters_total{code="oversize"}')).toBe(0);
  expect(series.get('adtally_fenced_total')).toBe(0);
  expect(series.get('adtally_drain_state')).toBe(0);
});

test('counters add up, gauges hold the last value and forget what was removed', async () => {
  const metrics = create();
  metrics.events.add(3, { outcome: 'stored' });
  metrics.events.add(4, { outcome: 'stored' });
  metrics.lagRecords.set(9, { partition: '0' });
  metrics.lagRecords.set(5, { partition: '0' });
  metrics.lagRecords.set(6, { partition: '1' });
  metrics.lagRecords.remove({ partition: '1' });
  const { series } = parse(await metrics.render());
  expect(series.get('adtally_events_total{outcome="stored"}')).toBe(7);
  expect(series.get('adtally_consumer_lag_records{partition="0"}')).toBe(5);
  expect(series.has('adtally_consumer_lag_records{partition="1"}')).toBe(false);
  metrics.lagRecords.clear();
  expect(await metrics.render()).not.toContain('adtally_consumer_lag_records{');
});

test('OTEL_* name the service; OTEL_METRICS_EXPORTER=none leaves /metrics on', async () => {
  const metrics = create({
    env: {
      OTEL_SERVICE_NAME: 'ingest-eu',
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=other,deployment.environment=a%20b',
      OTEL_METRICS_EXPORTER: 'none',
    },
  });
  const text = await metrics.render();
  expect(text).toContain('service_name="ingest-eu"');
  expect(text).toContain('deployment_environment="a b"');
  expect(text).toContain('adtally_records_consumed_total 0');
});

test('every name keeps the naming rules', () => {
  const names = Object.values<MetricDefinition>(METRIC_DEFINITIONS).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const definition of Object.values<MetricDefinition>(METRIC_DEFINITIONS)) {
    expect(definition.name).toMatch(/^(adtally|process)_[a-z0-9_]+$/);
    expect([definition.name, definition.name.endsWith('_total'), 'buckets' in definition]).toEqual([
      definition.name,
      definition.kind === 'counter',
      definition.kind === 'histogram',
    ]);
  }
});

test('docs/metrics.md is what the definitions say', async () => {
  await expect(metricsDocument()).toMatchFileSnapshot('../../../docs/metrics.md');
});
