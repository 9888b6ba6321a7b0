import type { MetricDefinition } from '@adtally/telemetry';
import type { DeclaredMetrics } from './declared-metrics.ts';

/** Who exports what no service measures alone. */
const SHARED: Readonly<Record<string, string>> = {
  'packages/system-metrics/src/metrics.ts': 'the leader, of any service',
  'packages/telemetry/src/process-metrics.ts': 'every service',
};

const INTRODUCTION = [
  '# Metrics',
  '',
  'Generated from the declarations named below; after a change of one run `vitest run tools/tidy/test/metrics -u`.',
  '',
  'Every service answers `GET /metrics` on its admin port with Prometheus text, and exports what it measures itself and',
  'nothing else: a series that is absent is told by nobody. What the database tells of the whole system is exported by',
  'one process among all services, the leader, so that it outlives the app it speaks of; it is read every 5 s (letters every 15 s), and',
  'another process leads within 5 s of the end of the last one. The names are a public contract.',
  'Counters whose label values are all listed start at 0; a histogram appears with its first observation;',
  'a gauge by partition goes away when the partition is handed over.',
  '`target_info` carries `service.name`, `service.version` and what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say.',
  '`OTEL_METRICS_EXPORTER` (`none` too) does not switch `/metrics` off.',
];

/** docs/metrics.md, whole. */
export function metricsDocument({ owned, measured }: DeclaredMetrics): string {
  const exporters = (file: string, { name }: MetricDefinition): string => {
    if (SHARED[file] !== undefined) return SHARED[file];
    return [...measured]
      .filter(([, names]) => names.has(name))
      .map(([app]) => app)
      .join(', ');
  };
  // A service's own first: what it shares with others is read beside it.
  const files = [...owned.keys()].toSorted();
  return [
    ...INTRODUCTION,
    ...files.flatMap((file) => [
      '',
      `## ${file.split('/')[1]}`,
      '',
      `Declared in \`${file}\`.`,
      '',
      '| name | kind | labels | exported by | meaning |',
      '|---|---|---|---|---|',
      ...(owned.get(file) ?? []).map((definition) => {
        const { name, kind, help } = definition;
        return `| \`${name}\` | ${kind} | ${labelText(definition)} | ${exporters(file, definition)} | ${help} |`;
      }),
    ]),
    '',
    '## Histogram bounds',
    '',
    ...[...owned.values()]
      .flat()
      .filter(({ buckets }) => buckets !== undefined)
      .map(({ name, buckets }) => `- \`${name}\`: ${buckets?.join(', ')}`)
      .toSorted(),
    '',
  ].join('\n');
}

function labelText({ labels }: MetricDefinition): string {
  const texts = Object.entries(labels).map(([label, values]) =>
    values === 'open'
      ? `\`${label}\``
      : `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
  );
  return texts.length === 0 ? '-' : texts.join('; ');
}
