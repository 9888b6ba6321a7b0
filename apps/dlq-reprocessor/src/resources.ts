import { openDatabase, requireSchema, type Database } from '@adtally/db';
import { createDeduplicator, type Deduplicator, redisKeyPrefix } from '@adtally/dedup';
import {
  AckedProducer,
  chooseGroupProtocol,
  GroupConsumer,
  KafkaAdmin,
  type Notice,
} from '@adtally/kafka';
import { noteDedupEvent, type Servers } from '@adtally/pipeline';
import { ConfigError } from '@adtally/config';
import { openInOrder, type Opened } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { ReprocessorConfig } from './env.ts';
import type { ReprocessorMetrics } from './metrics.ts';

/** Every connection the service holds, closed in reverse. */
export interface Resources {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  /** For what claims ask, of one leader or of all: they hold up no confirmation of a batch. */
  readonly claimsAdmin: KafkaAdmin;
  readonly producer: AckedProducer;
  readonly dedup: Deduplicator;
  readonly consumer: GroupConsumer;
}

/** For the watches, expiry and what claims wait for; letters go through sessions of their own. */
const POOL_CONNECTIONS = 5;
/** What lies on the DLQ topic must fit the dead topic's records: our headers come on top. */
const ADDED_HEADERS_BYTES = 64 * 1_024;

/** How long burying waits for one answer before it says so. */
const DELIVERY_TIMEOUT_MS = 15_000;
/** Partitions of other leaders wait behind one that does not answer. */
const CLAIM_REQUEST_TIMEOUT_MS = 5_000;
/** One attempt at the brokers; then it is said why, and attempted again. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What of the configuration connections are opened by. */
type ResourcesConfig = Pick<
  ReprocessorConfig,
  | 'databaseUrl'
  | 'kafka'
  | 'topics'
  | 'recordMaxBytes'
  | 'jsonMaxDepth'
  | 'readAsNewest'
  | 'owner'
  | 'redisUrl'
  | 'dedupTtlSeconds'
  | 'dedupBudgetMs'
  | 'group'
  | 'groupProtocol'
  | 'recordReader'
  | 'fetchBufferMaxBytes'
>;

/**
 * Opens everything, waiting for servers that are away (ADR 16); of the group no partitions are asked yet.
 * @throws ConfigError where a topic is not as it must be, ServerUnusable
 */
export async function openResources(
  config: ResourcesConfig,
  metrics: ReprocessorMetrics,
  log: Logger,
  servers: Servers,
  signal: AbortSignal,
): Promise<Opened<Resources>> {
  const onNotice = (notice: Notice) => log.warn({ notice }, 'kafka client');
  const { kafka, topics } = config;
  return await openInOrder(log, async (closers) => {
    const db = openDatabase(config.databaseUrl, {
      applicationName: 'adtally-dlq-reprocessor',
      maxConnections: POOL_CONNECTIONS,
    });
    closers.add(() => db.destroy());
    const dedup = createDeduplicator({
      url: config.redisUrl,
      ttlSeconds: config.dedupTtlSeconds,
      budgetMs: config.dedupBudgetMs,
      // The same predictions as the consumer's: they are about this topic's keys.
      keyPrefix: redisKeyPrefix(topics.events.name),
      onEvent: (event) => noteDedupEvent(event, metrics, log),
    });
    closers.add(() => dedup.close());
    // All begin now, and are waited for in the order below (docs/adr/0052).
    const schema = closers.ahead(() => requireSchema(db));
    const producing = closers.ahead(
      () =>
        AckedProducer.connect(kafka, {
          maxRecordBytes: config.recordMaxBytes + 2 * ADDED_HEADERS_BYTES,
          deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          onNotice,
        }),
      (producer) => producer.close(),
    );
    let claimsAdmin: KafkaAdmin | undefined;
    closers.add(() => claimsAdmin?.close());
    const checking = closers.ahead(async () => {
      claimsAdmin ??= new KafkaAdmin(kafka, {
        onNotice,
        requestTimeoutMs: CLAIM_REQUEST_TIMEOUT_MS,
      });
      await requireTopics(claimsAdmin, config);
      return claimsAdmin;
    });
    const consuming = closers.ahead(
      async () =>
        await GroupConsumer.connect(kafka, {
          groupId: config.group,
          topic: topics.dlq.name,
          // It asks once it has joined.
          askLog: (partition) => (claimsAdmin as KafkaAdmin).watermarks(topics.dlq.name, partition),
          protocol: await chooseGroupProtocol(kafka, {
            wanted: config.groupProtocol,
            groupId: config.group,
            log,
          }),
          reader: config.recordReader,
          bufferBytes: config.fetchBufferMaxBytes,
          joinsLater: true,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          onNotice,
        }),
      (consumer) => consumer.leave(),
    );
    await servers.atDatabase(schema, signal);
    servers.postgres.worked();
    // The producer first: of settings that no client can be made of it alone says what is wrong.
    const producer = await servers.atBrokers(producing, signal);
    const admin = new KafkaAdmin(kafka, { onNotice });
    closers.add(() => admin.close());
    claimsAdmin = await servers.atBrokers(checking, signal);
    const consumer = await servers.atBrokers(consuming, signal);
    return { db, admin, claimsAdmin, producer, dedup, consumer };
  });
}

async function requireTopics(admin: KafkaAdmin, { topics }: ResourcesConfig): Promise<void> {
  const problems: string[] = [];
  for (const { name } of [topics.dlq, topics.dead]) {
    if ((await admin.describeTopic(name)) === null) {
      problems.push(`topic ${name} does not exist: run the migration job, which makes it`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
}
