import { buildVersion } from '@adtally/config';
import { kafkaSettings } from '@adtally/kafka/env';
import { runApp } from '@adtally/service';
import {
  CredentialTeller,
  LagTeller,
  ServicePresence,
  SYSTEM_METRICS,
  SystemMetricsExporter,
} from '@adtally/system-metrics';
import type { RunnerConfig } from './env.ts';
import { METRICS } from './metrics.ts';
import { archiveOf } from './retention/archive-of.ts';
import { RetentionKeeper } from './retention/retention-keeper.ts';
import { RollupKeeper } from './rollup-keeper.ts';

/** Longer than the longest statement of a turn. */
const STUCK_AFTER_MS = 2_000_000;

/** `--watch`: keeps the rollups and drops old days until it is drained. */
export async function watch(config: RunnerConfig): Promise<void> {
  await runApp({
    app: 'backfill-runner',
    version: buildVersion(new URL('../package.json', import.meta.url)),
    config,
    definitions: { ...METRICS, ...SYSTEM_METRICS },
    stuckAfterMs: STUCK_AFTER_MS,
    build: (parts) => {
      const keeper = new RollupKeeper(parts);
      // Without brokers it keeps rollups all the same, and leaves the lag to others.
      const kafka = config.kafkaBrokers === '' ? undefined : kafkaSettings(config);
      const lag =
        kafka === undefined ? [] : [new LagTeller({ ...parts, config: { ...config, kafka } })];
      return {
        services: [
          new ServicePresence(parts),
          new SystemMetricsExporter(parts),
          new CredentialTeller({ ...parts, config: { ...config, kafka } }),
          ...lag,
          keeper,
          new RetentionKeeper({ ...parts, archive: archiveOf(config) }),
        ],
        mount: (admin) => void admin.get('/status', () => keeper.status()),
      };
    },
  });
}
