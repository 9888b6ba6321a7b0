import { buildVersion } from '@adtally/config';
import { runApp } from '@adtally/service';
import {
  CredentialTeller,
  LagTeller,
  ServicePresence,
  SYSTEM_METRICS,
  SystemMetricsExporter,
} from '@adtally/system-metrics';
import { AlerterService } from './alerter-service.ts';
import type { AlerterConfig } from './env.ts';
import { mountIncidents } from './incidents-endpoint.ts';
import { METRICS } from './metrics.ts';
import { createSinks } from './notify/sinks.ts';

const STUCK_AFTER_MS = 90_000;

/** Runs the service until it is drained. */
export async function runDeadQueueAlerter(config: AlerterConfig): Promise<void> {
  await runApp({
    app: 'dead-queue-alerter',
    version: buildVersion(new URL('../package.json', import.meta.url)),
    config,
    definitions: { ...METRICS, ...SYSTEM_METRICS },
    stuckAfterMs: STUCK_AFTER_MS,
    build: (parts) => {
      const sinks = createSinks(config);
      if (sinks.length === 0) {
        parts.log.warn('no sink is configured: incidents are kept and logged, and nobody is told');
      }
      const alerter = new AlerterService({ ...parts, sinks });
      return {
        services: [
          // Of those that stand by none looks at the topic.
          new ServicePresence(parts, { isAtWork: () => alerter.role === 'active' }),
          new SystemMetricsExporter(parts),
          new CredentialTeller(parts),
          new LagTeller(parts),
          alerter,
        ],
        mount: (admin) => mountIncidents(admin, alerter),
      };
    },
  });
}
