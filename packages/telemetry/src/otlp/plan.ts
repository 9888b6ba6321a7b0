import type { Secret } from '@adtally/config';
import type { OtelConfig, SamplerName } from './env.ts';

const LOCAL_ENDPOINT = 'http://localhost:4318';

/** What is exported, and where to. */
export interface ExportPlan {
  /** Null: no traces. */
  readonly traces: {
    readonly url: string;
    readonly sampler: SamplerName;
    readonly ratio: number;
  } | null;
  /** Null: metrics are only scraped. */
  readonly metrics: { readonly url: string; readonly intervalMs: number } | null;
  readonly headers: Secret;
  readonly timeoutMs: number;
}

/** What the variables come to; null where nothing is exported, so that nothing need be loaded for it. */
export function exportPlan(config: OtelConfig): ExportPlan | null {
  if (config.otelSdkDisabled) return null;
  const tracesUrl = destination(
    config.otelTracesExporter,
    config.otlpTracesEndpoint,
    config.otlpEndpoint,
    'traces',
  );
  const metricsUrl = destination(
    config.otelMetricsExporter,
    config.otlpMetricsEndpoint,
    config.otlpEndpoint,
    'metrics',
  );
  if (tracesUrl === null && metricsUrl === null) return null;
  return {
    traces:
      tracesUrl === null
        ? null
        : { url: tracesUrl, sampler: config.otelTracesSampler, ratio: config.otelTracesSamplerArg },
    metrics:
      metricsUrl === null ? null : { url: metricsUrl, intervalMs: config.otelMetricIntervalMs },
    headers: config.otlpHeaders,
    timeoutMs: config.otlpTimeoutMs,
  };
}

/** As the specification says: a signal's own address as it is, the common one with the signal's path behind it. */
function destination(
  exporter: OtelConfig['otelTracesExporter'],
  own: string,
  common: string,
  signal: 'traces' | 'metrics',
): string | null {
  if (exporter === 'none') return null;
  if (own !== '') return own;
  if (common === '' && exporter === '') return null;
  const base = common === '' ? LOCAL_ENDPOINT : common;
  return `${base.replace(/\/+$/, '')}/v1/${signal}`;
}
