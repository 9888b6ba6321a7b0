import { ConfigError } from '@adtally/config';
import { openDatabase } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import { type Connections, openConnections, type Servers } from '@adtally/pipeline';
import { openInOrder, type Opened } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { ReprocessorConfig } from './env.ts';
import type { ReprocessorMetrics } from './metrics.ts';

/** Every connection the service holds, closed in reverse. */
export type Resources = Connections;

/** For the watches, expiry and what claims wait for; letters go through sessions of their own. */
const POOL_CONNECTIONS = 5;
/** What lies on the DLQ topic must fit the dead topic's records: our headers come on top. */
const ADDED_HEADERS_BYTES = 64 * 1_024;
/** How long burying waits for one answer before it says so. */
const DELIVERY_TIMEOUT_MS = 15_000;

/** As `openConnections`. */
export async function openResources(
  config: ReprocessorConfig,
  metrics: ReprocessorMetrics,
  log: Logger,
  servers: Servers,
  signal: AbortSignal,
): Promise<Opened<Resources>> {
  return await openInOrder(log, async (closers) => {
    const db = openDatabase(config.databaseUrl, {
      applicationName: 'adtally-dlq-reprocessor',
      maxConnections: POOL_CONNECTIONS,
    });
    const options = {
      config,
      db,
      topic: config.topics.dlq.name,
      eventsTopic: config.topics.events.name,
      groupId: config.group,
      producer: {
        maxRecordBytes: config.recordMaxBytes + 2 * ADDED_HEADERS_BYTES,
        deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
      },
      checkTopics: (admin: KafkaAdmin) => requireTopics(admin, config),
      metrics,
      log,
    };
    return await openConnections(closers, options, servers, signal);
  });
}

async function requireTopics(admin: KafkaAdmin, { topics }: ReprocessorConfig): Promise<void> {
  const problems: string[] = [];
  for (const { name } of [topics.dlq, topics.dead]) {
    if ((await admin.describeTopic(name)) === null) {
      problems.push(`topic ${name} does not exist: run the migration job, which makes it`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
