import type { Logger } from './logger.ts';
import type { MetricDefinitions } from './metric-definition.ts';
import { createMetrics, type Metrics, type MetricsOptions } from './metrics.ts';
import type { OtelConfig } from './otlp/env.ts';
import type { TelemetryExport } from './otlp/open-export.ts';
import { exportPlan } from './otlp/plan.ts';
import { describeResource } from './resource.ts';
import type { Tracer } from './traces/tracer.ts';

export interface TelemetryOptions<D extends MetricDefinitions> extends Pick<
  MetricsOptions<D>,
  'service' | 'version' | 'definitions'
> {
  readonly config: OtelConfig;
  readonly log: Logger;
}

export interface Telemetry<D extends MetricDefinitions> {
  readonly metrics: Metrics<D>;
  /** Undefined where no traces are exported: then there is nothing to be done for them. */
  readonly tracer: Tracer | undefined;
  /** Undefined where nothing is exported. */
  readonly exporting: TelemetryExport | undefined;
}

/** Creates what a process tells of itself, and what pushes it where the environment says so. */
export async function createTelemetry<D extends MetricDefinitions>(
  options: TelemetryOptions<D>,
): Promise<Telemetry<D>> {
  const { service, version, definitions, config, log } = options;
  const about = { service, version, definitions, identity: config };
  const plan = exportPlan(config);
  if (plan === null)
    return { metrics: createMetrics(about), tracer: undefined, exporting: undefined };
  const { openExport } = await import('./otlp/open-export.ts');
  const resource = describeResource(service, version, config);
  const exporting = openExport(plan, { resource, version, log });
  const metrics = createMetrics({ ...about, push: exporting.metricReader });
  exporting.countBy(metrics.otlpExports);
  log.info(
    { traces: plan.traces?.url ?? 'none', metrics: plan.metrics?.url ?? 'none' },
    'exporting over OTLP',
  );
  return { metrics, tracer: exporting.tracer, exporting };
}
