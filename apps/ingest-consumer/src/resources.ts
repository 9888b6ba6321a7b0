import { checkSchema, openDatabase, type Database } from '@adtally/db';
import { createDeduplicator, type DedupEvent, type Deduplicator } from '@adtally/dedup';
import { AckedProducer, GroupConsumer, KafkaAdmin, type Notice } from '@adtally/kafka';
import { Backoff } from '@adtally/pipeline';
import { ConfigError } from '@adtally/service';
import type { Logger, Metrics } from '@adtally/telemetry';
import type { IngestConfig } from './env.ts';

/** Every connection the service holds, opened in this order and closed in reverse. */
export interface Resources {
  readonly db: Database;
  readonly admin: KafkaAdmin;
  readonly producer: AckedProducer;
  readonly dedup: Deduplicator;
  readonly consumer: GroupConsumer;
}

/** For the topic watch, day partitions and the audit endpoint; events go through the writer session. */
const POOL_CONNECTIONS = 3;
const SCHEMA_WAIT_FIRST_MS = 200;
const SCHEMA_WAIT_LAST_MS = 5_000;
const KIBIBYTE = 1_024;
/** Headers that are added to a dead letter, and the client's own framing. */
const DEAD_LETTER_EXTRA_BYTES = 64 * KIBIBYTE;

/** Opens everything; what was opened is closed again where a later step fails. */
export async function openResources(
  config: IngestConfig,
  metrics: Metrics,
  log: Logger,
  signal: AbortSignal,
): Promise<{ resources: Resources; close: () => Promise<void> }> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).toReversed()) {
      try {
        await closer();
      } catch (error) {
        log.warn({ err: error }, 'closing a connection failed');
      }
    }
  };
  const onNotice = (notice: Notice) => log.warn({ notice }, 'kafka client');
  try {
    const db = openDatabase(config.databaseUrl, {
      applicationName: 'adtally-ingest-consumer',
      maxConnections: POOL_CONNECTIONS,
    });
    closers.push(() => db.destroy());
    await requireSchema(db, log, signal);
    const admin = new KafkaAdmin(config.kafka, { onNotice });
    closers.push(() => admin.close());
    await checkTopics(admin, config, log);
    const producer = await AckedProducer.connect(config.kafka, {
      maxRecordBytes: config.recordMaxBytes + DEAD_LETTER_EXTRA_BYTES,
      onNotice,
    });
    closers.push(() => producer.close());
    const dedup = createDeduplicator({
      url: config.redisUrl,
      ttlSeconds: config.dedupTtlSeconds,
      budgetMs: config.dedupBudgetMs,
      // Its predictions are about this topic's keys; another topic may share the server.
      keyPrefix: `adtally:${config.topics.events.name}`,
      onEvent: (event) => noteDedupEvent(event, metrics, log),
    });
    closers.push(() => dedup.close());
    const consumer = await GroupConsumer.connect(config.kafka, {
      groupId: config.consumerGroup,
      topic: config.topics.events.name,
      protocol: config.groupProtocol === 'classic' ? 'cooperative-sticky' : 'consumer',
      instanceId: config.groupInstanceId === '' ? undefined : config.groupInstanceId,
      onNotice,
    });
    closers.push(() => consumer.leave({ keepMembership: config.groupInstanceId !== '' }));
    return { resources: { db, admin, producer, dedup, consumer }, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function noteDedupEvent(event: DedupEvent, metrics: Metrics, log: Logger): void {
  if (event.type === 'failure') {
    metrics.redisFailures.add(1, { operation: event.operation, kind: event.kind });
    log.debug(
      { err: event.error, operation: event.operation, kind: event.kind },
      'no answer of Redis',
    );
    return;
  }
  // Without Redis every event goes the verified way: slower, and as right.
  if (event.type === 'disconnected') log.warn({ err: event.error }, 'Redis is away');
  else log.info('Redis is connected');
}

/** A database that is away is waited for; one with another schema ends the service (exit 78). */
async function requireSchema(db: Database, log: Logger, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(SCHEMA_WAIT_FIRST_MS, SCHEMA_WAIT_LAST_MS);
  for (;;) {
    try {
      const check = await checkSchema(db);
      if (!check.ok) throw new ConfigError([check.problem]);
      return;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      log.warn({ err: error }, 'database not reachable, waiting');
      await backoff.wait(signal, 'connecting to the database');
    }
  }
}

/** The client cannot read topic settings, so this checks what it can see: partitions and replicas. */
async function checkTopics(admin: KafkaAdmin, config: IngestConfig, log: Logger): Promise<void> {
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
