export { SystemMetricsExporter } from './exporter.ts';
export { letterCounts } from './figures/letters.ts';
export { readFreshness } from './figures/rollups.ts';
export { SYSTEM_METRICS } from './metrics.ts';
