import { ConfigError } from '@adtally/config';
import { openDatabase } from '@adtally/db';
import type { KafkaAdmin } from '@adtally/kafka';
import { type Connections, openConnections, type Servers } from '@adtally/pipeline';
import { openInOrder, type Opened } from '@adtally/service';
import type { Logger } from '@adtally/telemetry';
import type { IngestConfig } from './env.ts';
import { GroupCaller } from './group-caller.ts';
import type { IngestMetrics } from './metrics.ts';

/** Every connection the service holds, closed in reverse. */
export interface Resources extends Connections {
  /** Told that it came, gives back and left. */
  readonly caller: GroupCaller;
}

/** For the topic watch, day partitions and the audit endpoint; events go through the writer session. */
const POOL_CONNECTIONS = 3;
const KIBIBYTE = 1_024;
/** Headers that are added to a dead letter, and the client's own framing. */
const DEAD_LETTER_EXTRA_BYTES = 64 * KIBIBYTE;

/** What topics must be, and what follows where they are not. */
type TopicPolicy = Pick<
  IngestConfig,
  'topics' | 'topicPolicy' | 'topicMinPartitions' | 'topicMinReplication' | 'partitions'
>;

/** As `openConnections`. */
export async function openResources(
  config: IngestConfig,
  metrics: IngestMetrics,
  log: Logger,
  servers: Servers,
  signal: AbortSignal,
): Promise<Opened<Resources>> {
  const { topics, consumerGroup: groupId, groupInstanceId } = config;
  return await openInOrder(log, async (closers) => {
    const db = openDatabase(config.databaseUrl, {
      applicationName: 'adtally-ingest-consumer',
      maxConnections: POOL_CONNECTIONS,
    });
    const instanceId = groupInstanceId === '' ? undefined : groupInstanceId;
    const caller = new GroupCaller({ db, group: groupId, instanceId, log });
    const options = {
      config,
      db,
      topic: topics.events.name,
      eventsTopic: topics.events.name,
      groupId,
      instanceId,
      producer: { maxRecordBytes: config.recordMaxBytes + DEAD_LETTER_EXTRA_BYTES },
      checkTopics: (admin: KafkaAdmin) => checkTopics(admin, config, log),
      // What it left is there to be had by then.
      onLeft: () => caller.left(),
      metrics,
      log,
    };
    return { ...(await openConnections(closers, options, servers, signal)), caller };
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
