import type { Secret } from '@adtally/config';
import { requireSchema, type Database } from '@adtally/db';
import { createDeduplicator, type Deduplicator, redisKeyPrefix } from '@adtally/dedup';
import {
  AckedProducer,
  chooseGroupProtocol,
  GroupConsumer,
  KafkaAdmin,
  type KafkaSettings,
  type Notice,
  type RecordReader,
} from '@adtally/kafka';
import type { Closers } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { RedisMetrics } from './metrics.ts';
import { noteDedupEvent } from './note-dedup-event.ts';
import type { Servers } from './servers.ts';

/** What a process that reads a topic into the database holds beside its writer session. */
export interface Connections {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  /** For what claims and quiet partitions ask of leaders: they hold up no confirmation of a batch. */
  readonly claimsAdmin: KafkaAdmin;
  readonly producer: AckedProducer;
  readonly dedup: Deduplicator;
  /** Connected; of the group no partitions are asked yet. */
  readonly consumer: GroupConsumer;
}

/** As the two apps' configurations have them. */
interface ConnectionsConfig {
  readonly kafka: KafkaSettings;
  readonly redisUrl: string | Secret;
  readonly dedupTtlSeconds: number;
  readonly dedupBudgetMs: number;
  readonly groupProtocol: Parameters<typeof chooseGroupProtocol>[1]['wanted'];
  readonly recordReader: RecordReader;
  readonly fetchBufferMaxBytes: number;
}

export interface ConnectionsOptions {
  readonly config: ConnectionsConfig;
  /** Opened, and closed with the rest. */
  readonly db: Database;
  /** The topic that is read. */
  readonly topic: string;
  /** The topic whose keys Redis predicts; another one may share the server. */
  readonly eventsTopic: string;
  readonly groupId: string;
  /** Static membership, which is kept when the process leaves. */
  readonly instanceId?: string | undefined;
  readonly producer: { readonly maxRecordBytes: number; readonly deliveryTimeoutMs?: number };
  /** Whether the topics are as they must be. @throws ConfigError */
  readonly checkTopics: (admin: KafkaAdmin) => Promise<void>;
  /** Called once the group is left. */
  readonly onLeft?: () => Promise<void>;
  readonly metrics: RedisMetrics;
  readonly log: Logger;
}

/** Partitions of other leaders wait behind one that does not answer. */
const CLAIM_REQUEST_TIMEOUT_MS = 5_000;
/** One attempt at the brokers; then it is said why, and attempted again. */
const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens everything, waiting for servers that are away (ADR 16): all begin at once, and are waited for in one order (docs/adr/0052).
 * @throws ConfigError where a topic is not as it must be, ServerUnusable
 */
export async function openConnections(
  closers: Closers,
  options: ConnectionsOptions,
  servers: Servers,
  signal: AbortSignal,
): Promise<Connections> {
  const { config, db, topic, groupId, instanceId, metrics, log } = options;
  const { kafka } = config;
  const onNotice = (notice: Notice) => log.warn({ notice }, 'kafka client');
  closers.add(() => db.destroy());
  const dedup = createDeduplicator({
    url: config.redisUrl,
    ttlSeconds: config.dedupTtlSeconds,
    budgetMs: config.dedupBudgetMs,
    keyPrefix: redisKeyPrefix(options.eventsTopic),
    onEvent: (event) => noteDedupEvent(event, metrics, log),
  });
  closers.add(() => dedup.close());
  const schema = closers.ahead(() => requireSchema(db));
  const producing = closers.ahead(
    () =>
      AckedProducer.connect(kafka, {
        ...options.producer,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        onNotice,
      }),
    (producer) => producer.close(),
  );
  let claimsAdmin: KafkaAdmin | undefined;
  closers.add(() => claimsAdmin?.close());
  const checking = closers.ahead(async () => {
    claimsAdmin ??= new KafkaAdmin(kafka, { onNotice, requestTimeoutMs: CLAIM_REQUEST_TIMEOUT_MS });
    await options.checkTopics(claimsAdmin);
    return claimsAdmin;
  });
  // Closed in reverse.
  closers.add(() => options.onLeft?.());
  const consuming = closers.ahead(
    async () =>
      await GroupConsumer.connect(kafka, {
        groupId,
        topic,
        // It asks once it has joined.
        askLog: (partition) => (claimsAdmin as KafkaAdmin).watermarks(topic, partition),
        protocol: await chooseGroupProtocol(kafka, { wanted: config.groupProtocol, groupId, log }),
        instanceId,
        reader: config.recordReader,
        bufferBytes: config.fetchBufferMaxBytes,
        joinsLater: true,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
        onNotice,
      }),
    (consumer) => consumer.leave({ keepMembership: instanceId !== undefined }),
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
}
