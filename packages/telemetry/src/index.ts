export type { Counter, Gauge, Histogram } from './instruments.ts';
export {
  createLogger,
  LOG_LEVELS,
  type Logger,
  type LoggerOptions,
  type LogLevel,
} from './logger.ts';
export {
  METRIC_DEFINITIONS,
  type LabelValues,
  type MetricDefinition,
  type MetricDefinitions,
} from './metric-definitions.ts';
export {
  createMetrics,
  METRICS_CONTENT_TYPE,
  type Metrics,
  type MetricsOptions,
} from './metrics.ts';
export type { EnvLike } from './resource.ts';
