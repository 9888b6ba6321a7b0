import { buildVersion } from '@adtally/config';
import { runApp } from '@adtally/service';
import {
  CredentialTeller,
  LagTeller,
  ServicePresence,
  SYSTEM_METRICS,
  SystemMetricsExporter,
} from '@adtally/system-metrics';
import { mountAudit } from './audit-endpoint.ts';
import { mountBreaker } from './breaker/breaker-endpoint.ts';
import type { IngestConfig } from './env.ts';
import { breakerSettings, createIngest } from './ingest-service.ts';
import { METRICS } from './metrics.ts';

const STUCK_AFTER_MS = 60_000;

/** Runs the service until it is drained. */
export async function runIngestConsumer(config: IngestConfig): Promise<void> {
  await runApp({
    app: 'ingest-consumer',
    version: buildVersion(new URL('../package.json', import.meta.url)),
    config,
    definitions: { ...METRICS, ...SYSTEM_METRICS },
    stuckAfterMs: STUCK_AFTER_MS,
    build: (parts) => {
      const ingest = createIngest(parts);
      return {
        services: [
          new ServicePresence(parts),
          new SystemMetricsExporter(parts),
          new CredentialTeller(parts),
          new LagTeller(parts),
          ingest.service,
        ],
        mount: (admin) => {
          admin.get('/status', () => ingest.status());
          mountAudit(admin, config);
          mountBreaker(admin, breakerSettings(config), ingest.breakers);
        },
      };
    },
  });
}
