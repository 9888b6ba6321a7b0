import { expect, onTestFinished, test } from 'vitest';
import type { MetricDefinitions } from './metric-definition.ts';
import { createMetrics, type MetricsOptions } from './metrics.ts';
import { PROCESS_METRICS } from './process-metrics.ts';
import { declaredNames, presetNames, toldNames } from '../testing/index.ts';

/** One definition of every shape the kit knows. */
const DEFINITIONS = {
  things: { name: 'adtally_things_total', kind: 'counter', help: 'Things.', labels: {} },
  outcomes: {
    name: 'adtally_outcomes_total',
    kind: 'counter',
    help: 'Outcomes.',
    labels: { outcome: ['stored', 'refused'], kind: ['a', 'b'] },
  },
  codes: {
    name: 'adtally_codes_total',
    kind: 'counter',
    help: 'Codes.',
    labels: { code: 'open' },
  },
  owned: { name: 'adtally_owned', kind: 'gauge', help: 'Owned.', labels: {} },
  lag: { name: 'adtally_lag', kind: 'gauge', help: 'Lag.', labels: { partition: 'open' } },
  halted: {
    name: 'adtally_halted',
    kind: 'gauge',
    help: 'Halted.',
    labels: { partition: 'open', reason: 'open' },
  },
  oldest: {
    name: 'adtally_oldest_seconds',
    kind: 'gauge',
    help: 'Oldest.',
    labels: {},
    startsAbsent: true,
  },
  rows: {
    name: 'adtally_rows',
    kind: 'histogram',
    help: 'Rows.',
    labels: {},
    buckets: [10, 100],
  },
} as const satisfies MetricDefinitions;

function create(options: Partial<MetricsOptions<typeof DEFINITIONS>> = {}) {
  const metrics = createMetrics({
    service: 'a-service',
    version: '1.2.3',
    definitions: DEFINITIONS,
    ...options,
  });
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

test('the text parses and holds every declared name with its type', async () => {
  const metrics = create();
  // Open labels have no series before their first use, histograms none before their first value.
  metrics.codes.add(1, { code: 'empty' });
  metrics.lag.set(7, { partition: '3' });
  metrics.halted.set(1, { partition: '3', reason: 'truncated "log"\n\\' });
  metrics.oldest.set(4);
  metrics.rows.record(100);
  metrics.certificateExpiry.set(1, { server: 'kafka', role: 'ca' });
  metrics.tokenExpiry.set(1, { server: 'kafka' });
  const { types, series } = parse(await metrics.render());
  for (const { name, kind } of Object.values({ ...DEFINITIONS, ...PROCESS_METRICS })) {
    const sample = kind === 'histogram' ? `${name}_count` : name;
    const found = [...series.keys()].some((key) => key === sample || key.startsWith(`${sample}{`));
    expect([name, types.get(name), found]).toEqual([name, kind, true]);
  }
  expect(series.get('adtally_rows_bucket{le="10"}')).toBe(0);
  expect(series.get('adtally_rows_bucket{le="100"}')).toBe(1);
});

test('nothing is told that was not declared, and a series that nobody may tell yet is absent', async () => {
  const metrics = create();
  const preset = presetNames({ ...DEFINITIONS, ...PROCESS_METRICS });
  expect(toldNames(await metrics.render())).toEqual([...preset, 'adtally_build_info'].toSorted());
  expect(preset).not.toContain('adtally_oldest_seconds');
  metrics.oldest.set(0);
  metrics.rows.record(1);
  metrics.codes.add(1, { code: 'empty' });
  metrics.lag.set(1, { partition: '0' });
  metrics.halted.set(1, { partition: '0', reason: 'hole' });
  metrics.certificateExpiry.set(1, { server: 'kafka', role: 'ca' });
  metrics.tokenExpiry.set(1, { server: 'kafka' });
  expect(toldNames(await metrics.render())).toEqual(
    declaredNames({ ...DEFINITIONS, ...PROCESS_METRICS }),
  );
  metrics.oldest.clear();
  expect(toldNames(await metrics.render())).not.toContain('adtally_oldest_seconds');
});

test('every series of closed labels is 0 before anything happened', async () => {
  const { series } = parse(await create().render());
  for (const outcome of DEFINITIONS.outcomes.labels.outcome) {
    for (const kind of DEFINITIONS.outcomes.labels.kind) {
      expect(series.get(`adtally_outcomes_total{outcome="${outcome}",kind="${kind}"}`)).toBe(0);
    }
  }
  expect(series.get('adtally_things_total')).toBe(0);
  expect(series.get('adtally_drain_state')).toBe(0);
});

test('counters add up, gauges hold the last value and forget what was removed', async () => {
  const metrics = create();
  metrics.outcomes.add(3, { outcome: 'stored', kind: 'a' });
  metrics.outcomes.add(4, { outcome: 'stored', kind: 'a' });
  metrics.lag.set(9, { partition: '0' });
  metrics.lag.set(5, { partition: '0' });
  metrics.lag.set(6, { partition: '1' });
  metrics.lag.remove({ partition: '1' });
  const { series } = parse(await metrics.render());
  expect(series.get('adtally_outcomes_total{outcome="stored",kind="a"}')).toBe(7);
  expect(series.get('adtally_lag{partition="0"}')).toBe(5);
  expect(series.has('adtally_lag{partition="1"}')).toBe(false);
  metrics.lag.clear();
  expect(await metrics.render()).not.toContain('adtally_lag{');
});

test('what is to be done before a scrape is done before each', async () => {
  const metrics = create();
  let scrapes = 0;
  metrics.beforeScrape(() => metrics.owned.set((scrapes += 1)));
  await metrics.render();
  expect(parse(await metrics.render()).series.get('adtally_owned')).toBe(2);
});

test('two definitions of one name are refused', () => {
  const twice = { one: DEFINITIONS.things, other: DEFINITIONS.things };
  expect(() => createMetrics({ service: 's', version: '0', definitions: twice })).toThrow(
    'metric adtally_things_total is declared twice',
  );
});

test('OTEL_* name the service', async () => {
  const metrics = create({
    identity: {
      otelServiceName: 'ingest-eu',
      otelResourceAttributes: 'service.name=other,deployment.environment=a%20b',
    },
  });
  const text = await metrics.render();
  expect(text).toContain('service_name="ingest-eu"');
  expect(text).toContain('deployment_environment="a b"');
  expect(text).toContain('adtally_things_total 0');
});
