import { buildVersion } from '@adtally/config';
import { runApp } from '@adtally/service';
import { SYSTEM_METRICS, SystemMetricsExporter } from '@adtally/system-metrics';
import type { RunnerConfig } from './env.ts';
import { METRICS } from './metrics.ts';
import { RollupKeeper } from './rollup-keeper.ts';

/** Longer than the longest statement of a turn. */
const STUCK_AFTER_MS = 2_000_000;

/** `--watch`: keeps the rollups until it is drained. */
export async function watch(config: RunnerConfig): Promise<void> {
  await runApp({
    app: 'backfill-runner',
    version: buildVersion(new URL('../package.json', import.meta.url)),
    config,
    definitions: { ...METRICS, ...SYSTEM_METRICS },
    stuckAfterMs: STUCK_AFTER_MS,
    build: (parts) => {
      const keeper = new RollupKeeper(parts);
      return {
        services: [new SystemMetricsExporter(parts), keeper],
        mount: (admin) => void admin.get('/status', () => keeper.status()),
      };
    },
  });
}
