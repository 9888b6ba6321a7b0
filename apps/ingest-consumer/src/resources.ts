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
import type { IngestConfig } from './env.ts';
import { GroupCaller } from './group-caller.ts';
import type { IngestMetrics } from './metrics.ts';

/** Every connection the service holds, closed in reverse. */
export interface Resources {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  /** For questions to one leader, of claims and quiet partitions: they hold up no confirmation of a batch. */
  readonly claimsAdmin: KafkaAdmin;
  readonly producer: AckedProducer;
  readonly dedup: Deduplicator;
  readonly consumer: GroupConsumer;
  /** Told that it came, gives back and left. */
  readonly caller: GroupCaller;
}

/** For the topic watch, day partitions and the audit endpoint; events go through the writer session. */
const POOL_CONNECTIONS = 3;
const KIBIBYTE = 1_024;
/** Headers that are added to a dead letter, and the client's own framing. */
const DEAD_LETTER_EXTRA_BYTES = 64 * KIBIBYTE;

/** Partitions of other leaders wait behind one that does not answer. */
const CLAIM_REQUEST_TIMEOUT_MS = 5_000;
/** One attempt at the brokers; then it is said why, and attempted again. */
const CONNECT_TIMEOUT_MS = 10_000;

/** What of the configuration connections are opened by. */
type ResourcesConfig = Pick<
  IngestConfig,
  | 'databaseUrl'
  | 'kafka'
  | 'topics'
  | 'recordMaxBytes'
  | 'redisUrl'
  | 'dedupTtlSeconds'
  | 'dedupBudgetMs'
  | 'consumerGroup'
  | 'groupProtocol'
  | 'recordReader'
  | 'fetchBufferMaxBytes'
  | 'groupInstanceId'
  | keyof TopicPolicy
>;

/** What topics must be, and what follows where they are not. */
type TopicPolicy = Pick<
  IngestConfig,
  'topics' | 'topicPolicy' | 'topicMinPartitions' | 'topicMinReplication' | 'partitions'
>;

/**
 * Opens everything, waiting for servers that are away (ADR 16); of the group no partitions are asked yet.
 * @throws ConfigError where a topic is not as it must be, ServerUnusable
 */
export async function openResources(
  config: ResourcesConfig,
  metrics: IngestMetrics,
  log: Logger,
  servers: Servers,
  signal: AbortSignal,
): Promise<Opened<Resources>> {
  const onNotice = (notice: Notice) => log.warn({ notice }, 'kafka client');
  const { kafka, topics, consumerGroup: group } = config;
  return await openInOrder(log, async (closers) => {
    const db = openDatabase(config.databaseUrl, {
      applicationName: 'adtally-ingest-consumer',
      maxConnections: POOL_CONNECTIONS,
    });
    closers.add(() => db.destroy());
    const dedup = createDeduplicator({
      url: config.redisUrl,
      ttlSeconds: config.dedupTtlSeconds,
      budgetMs: config.dedupBudgetMs,
      // Its predictions are about this topic's keys; another topic may share the server.
      keyPrefix: redisKeyPrefix(topics.events.name),
      onEvent: (event) => noteDedupEvent(event, metrics, log),
    });
    closers.add(() => dedup.close());
    // All begin now, and are waited for in the order below (docs/adr/0052).
    const schema = closers.ahead(() => requireSchema(db));
    const producing = closers.ahead(
      () =>
        AckedProducer.connect(kafka, {
          maxRecordBytes: config.recordMaxBytes + DEAD_LETTER_EXTRA_BYTES,
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
      await checkTopics(claimsAdmin, config, log);
      return claimsAdmin;
    });
    const caller = new GroupCaller({ db, group, log });
    // Closed in reverse: what it left is there to be had, once it has left.
    closers.add(() => caller.left());
    const consuming = closers.ahead(
      async () =>
        await GroupConsumer.connect(kafka, {
          groupId: group,
          topic: topics.events.name,
          // It asks once it has joined.
          askLog: (partition) =>
            (claimsAdmin as KafkaAdmin).watermarks(topics.events.name, partition),
          protocol: await chooseGroupProtocol(kafka, {
            wanted: config.groupProtocol,
            groupId: group,
            log,
          }),
          instanceId: config.groupInstanceId === '' ? undefined : config.groupInstanceId,
          reader: config.recordReader,
          bufferBytes: config.fetchBufferMaxBytes,
          joinsLater: true,
          connectTimeoutMs: CONNECT_TIMEOUT_MS,
          onNotice,
        }),
      (consumer) => consumer.leave({ keepMembership: config.groupInstanceId !== '' }),
    );
    await servers.atDatabase(schema, signal);
    servers.postgres.worked();
    // The producer first: of settings that no client can be made of it alone says what is wrong.
    const producer = await servers.atBrokers(producing, signal);
    const admin = new KafkaAdmin(kafka, { onNotice });
    closers.add(() => admin.close());
    claimsAdmin = await servers.atBrokers(checking, signal);
    const consumer = await servers.atBrokers(consuming, signal);
    return { db, admin, claimsAdmin, producer, dedup, consumer, caller };
  });
}

/** The client cannot read topic settings, so this checks what it can see: partitions and replicas. */
async function checkTopics(admin: KafkaAdmin, config: TopicPolicy, log: Logger): Promise<void> {
  const problems: string[] = [];
  for (const { name } of [config.topics.events, config.topics.dlq]) {
    const described = await admin.describeTopic(name);
    if (described === null) {
      problems.push(`topic ${name} does not exist: run the migration job, which makes it`);
      continue;
    }
    const replicas = Math.min(...described.partitions.map((partition) => partition.replicas));
    if (replicas < config.topicMinReplication) {
      problems.push(
        `topic ${name} has ${replicas} replicas, TOPIC_MIN_REPLICATION is ${config.topicMinReplication}`,
      );
    }
    const isEvents = name === config.topics.events.name;
    const share = config.partitions;
    const isShared = described.partitions.some(
      (_, partition) => share?.includes(partition) ?? true,
    );
    if (isEvents && !isShared) {
      problems.push(
        `topic ${name} has ${described.partitions.length} partitions, and none that PARTITIONS names: nothing would be counted`,
      );
    }
    if (isEvents && described.partitions.length < config.topicMinPartitions) {
      problems.push(
        `topic ${name} has ${described.partitions.length} partitions, TOPIC_MIN_PARTITIONS is ${config.topicMinPartitions}`,
      );
    }
  }
  if (problems.length === 0) return;
  if (config.topicPolicy === 'refuse') throw new ConfigError(problems);
  for (const problem of problems) log.warn(problem);
}
