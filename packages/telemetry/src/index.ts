export type { Counter, Gauge, Histogram, Instruments } from './instruments.ts';
export {
  createLogger,
  LOG_LEVELS,
  type Logger,
  type LoggerOptions,
  type LogLevel,
} from './logger.ts';
export {
  DURATION_SECONDS,
  LATENCY_SECONDS,
  type LabelValues,
  type MetricDefinition,
  type MetricDefinitions,
} from './metric-definition.ts';
export {
  createMetrics,
  METRICS_CONTENT_TYPE,
  type Metrics,
  type MetricsExport,
  type MetricsOptions,
} from './metrics.ts';
export { PROCESS_METRICS, type ProcessMetrics } from './process-metrics.ts';
export type { OtelIdentity } from './resource.ts';
export type { TelemetryExport } from './otlp/open-export.ts';
export { createTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts';
export { readTraceParent, TRACE_PARENT_HEADER } from './traces/trace-parent.ts';
export { inStep, type TracedWork, type Tracer, type WorkOptions } from './traces/tracer.ts';
