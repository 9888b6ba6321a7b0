import { Heartbeat, runService } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import type { RunnerConfig } from './env.ts';
import { METRICS } from './metrics.ts';
import { RollupKeeper } from './rollup-keeper.ts';
import { VERSION } from './version.ts';

/** Past this without a turn the process is stuck; longer than its longest statement. */
const STUCK_AFTER_MS = 2_000_000;

/** `--watch`: keeps the rollups until it is drained. */
export async function watch(config: RunnerConfig): Promise<void> {
  const logger = createLogger({ service: 'backfill-runner', level: config.logLevel });
  const metrics = createMetrics({
    service: 'backfill-runner',
    version: VERSION,
    definitions: METRICS,
    env: config.env,
  });
  const heartbeat = new Heartbeat(STUCK_AFTER_MS);
  const keeper = new RollupKeeper({ config, metrics, log: logger, heartbeat });
  await runService({
    services: [keeper],
    admin: {
      host: config.adminHost,
      port: config.adminPort,
      token: config.adminToken,
      metrics,
      heartbeat,
      mount: (app) => {
        app.get('/status', () => keeper.status());
      },
    },
    drainDeadlineMs: config.drainDeadlineMs,
    logger,
  });
}
