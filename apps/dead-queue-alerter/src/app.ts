import { Heartbeat, runService } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { AlerterService } from './alerter-service.ts';
import type { AlerterConfig } from './env.ts';
import { mountIncidents } from './incidents-endpoint.ts';
import { METRICS } from './metrics.ts';
import { createSinks } from './notify/sinks.ts';
import { VERSION } from './version.ts';

/** Past this without a turn of the loop the process is stuck; longer than any bounded wait in it. */
const STUCK_AFTER_MS = 90_000;

/** Runs the service until it is drained. */
export async function runDeadQueueAlerter(config: AlerterConfig): Promise<void> {
  const logger = createLogger({ service: 'dead-queue-alerter', level: config.logLevel });
  const metrics = createMetrics({
    service: 'dead-queue-alerter',
    version: VERSION,
    definitions: METRICS,
    env: config.env,
  });
  const heartbeat = new Heartbeat(STUCK_AFTER_MS);
  const sinks = createSinks(config);
  if (sinks.length === 0) {
    logger.warn('no sink is configured: incidents are kept and logged, and nobody is told');
  }
  const alerter = new AlerterService({ config, sinks, metrics, log: logger, heartbeat });
  await runService({
    services: [alerter],
    admin: {
      host: config.adminHost,
      port: config.adminPort,
      token: config.adminToken,
      metrics,
      heartbeat,
      mount: (app) => mountIncidents(app, alerter),
    },
    drainDeadlineMs: config.drainDeadlineMs,
    logger,
  });
}
