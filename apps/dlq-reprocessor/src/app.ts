import { Heartbeat, runService } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import type { ReprocessorConfig } from './env.ts';
import { METRICS } from './metrics.ts';
import { createReprocessor } from './reprocessor.ts';
import { VERSION } from './version.ts';

/** Past this without a turn of the loop the process is stuck; longer than any bounded statement. */
const STUCK_AFTER_MS = 60_000;

/** Runs the service until it is drained. */
export async function runDlqReprocessor(config: ReprocessorConfig): Promise<void> {
  const logger = createLogger({ service: 'dlq-reprocessor', level: config.logLevel });
  const metrics = createMetrics({
    service: 'dlq-reprocessor',
    version: VERSION,
    definitions: METRICS,
    env: config.env,
  });
  const heartbeat = new Heartbeat(STUCK_AFTER_MS);
  const reprocessor = createReprocessor({ config, metrics, log: logger, heartbeat });
  await runService({
    services: [reprocessor.service],
    admin: {
      host: config.adminHost,
      port: config.adminPort,
      token: config.adminToken,
      metrics,
      heartbeat,
      mount: (app) => void app.get('/status', () => reprocessor.status()),
    },
    drainDeadlineMs: config.drainDeadlineMs,
    logger,
  });
}
