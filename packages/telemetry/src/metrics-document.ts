import { METRIC_DEFINITIONS, type MetricDefinition } from './metric-definitions.ts';

/** docs/metrics.md, whole; a test keeps the file equal to it. */
export function metricsDocument(): string {
  const rows = Object.values<MetricDefinition>(METRIC_DEFINITIONS).map(
    (definition) =>
      `| \`${definition.name}\` | ${definition.kind} | ${labelText(definition)} | ${definition.help} |`,
  );
  return [
    '# Metrics',
    '',
    'Generated from `packages/telemetry/src/metric-definitions.ts`; after a change there run `vitest run packages/telemetry -u`.',
    '',
    'Every service answers `GET /metrics` on its admin port with Prometheus text. The names are a public contract.',
    'Counters whose label values are all listed start at 0; a histogram appears with its first observation;',
    'a gauge by partition goes away when the partition is handed over.',
    '`target_info` carries `service.name`, `service.version` and what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say.',
    '`OTEL_METRICS_EXPORTER` (`none` too) does not switch `/metrics` off.',
    '',
    '| name | kind | labels | meaning |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Histogram bounds:',
    '',
    ...Object.values<MetricDefinition>(METRIC_DEFINITIONS)
      .filter((definition) => definition.buckets !== undefined)
      .map((definition) => `- \`${definition.name}\`: ${definition.buckets?.join(', ')}`),
    '',
  ].join('\n');
}

function labelText(definition: MetricDefinition): string {
  const labels = Object.entries(definition.labels).map(([label, values]) =>
    values === 'open'
      ? `\`${label}\``
      : `\`${label}\`: ${values.map((value) => `\`${value}\``).join(', ')}`,
  );
  return labels.length === 0 ? '-' : labels.join('; ');
}
