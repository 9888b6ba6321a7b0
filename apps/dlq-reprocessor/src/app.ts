import { buildVersion } from '@adtally/config';
import { runApp } from '@adtally/service';
import {
  CredentialTeller,
  LagTeller,
  ServicePresence,
  SYSTEM_METRICS,
  SystemMetricsExporter,
} from '@adtally/system-metrics';
import type { ReprocessorConfig } from './env.ts';
import { METRICS } from './metrics.ts';
import { createReprocessor } from './reprocessor.ts';

const STUCK_AFTER_MS = 60_000;

/** Runs the service until it is drained. */
export async function runDlqReprocessor(config: ReprocessorConfig): Promise<void> {
  await runApp({
    app: 'dlq-reprocessor',
    version: buildVersion(new URL('../package.json', import.meta.url)),
    config,
    definitions: { ...METRICS, ...SYSTEM_METRICS },
    stuckAfterMs: STUCK_AFTER_MS,
    build: (parts) => {
      const reprocessor = createReprocessor(parts);
      return {
        services: [
          new ServicePresence(parts),
          new SystemMetricsExporter(parts),
          new CredentialTeller(parts),
          new LagTeller(parts),
          reprocessor.service,
        ],
        mount: (admin) => void admin.get('/status', () => reprocessor.status()),
      };
    },
  });
}
