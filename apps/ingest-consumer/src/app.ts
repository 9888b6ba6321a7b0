import { Heartbeat, runService } from '@adtally/service';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { mountAudit } from './audit-endpoint.ts';
import { mountBreaker } from './breaker/breaker-endpoint.ts';
import type { IngestConfig } from './env.ts';
import { breakerSettings, createIngest } from './ingest-service.ts';
import { METRICS } from './metrics.ts';
import { VERSION } from './version.ts';

/** Past this without a turn of the loop the process is stuck; longer than any bounded statement. */
const STUCK_AFTER_MS = 60_000;

/** Runs the service until it is drained. */
export async function runIngestConsumer(config: IngestConfig): Promise<void> {
  const logger = createLogger({ service: 'ingest-consumer', level: config.logLevel });
  const metrics = createMetrics({
    service: 'ingest-consumer',
    version: VERSION,
    definitions: METRICS,
    env: config.env,
  });
  const heartbeat = new Heartbeat(STUCK_AFTER_MS);
  const ingest = createIngest({ config, metrics, log: logger, heartbeat });
  await runService({
    services: [ingest.service],
    admin: {
      host: config.adminHost,
      port: config.adminPort,
      token: config.adminToken,
      metrics,
      heartbeat,
      mount: (app) => {
        app.get('/status', () => ingest.status());
        mountAudit(app, config.databaseUrl);
        mountBreaker(app, breakerSettings(config), ingest.breakers);
      },
    },
    drainDeadlineMs: config.drainDeadlineMs,
    logger,
  });
}
