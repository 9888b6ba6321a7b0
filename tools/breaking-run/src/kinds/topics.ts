import {
  deleteTopic,
  growTopic,
  produceRecords,
  testTopic,
  truncatePartition,
} from '@adtally/testkit';
import { KafkaAdmin } from '@adtally/kafka';
import type { Kind } from '../kind.ts';
import type { World } from '../world.ts';

async function withAdmin<T>(
  { servers }: World,
  work: (admin: KafkaAdmin) => Promise<T>,
): Promise<T> {
  const brokers = servers.kafka.internalBrokers;
  const admin = new KafkaAdmin({ brokers, clientId: 'breaking-run', security: {} });
  try {
    return await work(admin);
  } finally {
    admin.close();
  }
}

async function makeAnew({ servers, names, partitions }: World): Promise<void> {
  const brokers = servers.kafka.internalBrokers;
  await testTopic({ name: names.events, partitions, replication: 3, brokers });
}

const deleted: Kind = {
  name: 'topic-deleted',
  family: 'topics',
  what: 'the events topic deleted; made again at the end',
  expects: 'halts',
  named:
    /topic_missing|topic[^"]{0,80}(?:does not exist|is gone|was deleted|not found)|unknown topic/i,
  loses: true,
  break: ({ servers, names }) => deleteTopic(names.events, servers.kafka.internalBrokers),
  evidence: async (world) =>
    (await withAdmin(world, (admin) => admin.describeTopic(world.names.events))) === null
      ? 'no broker knows the topic'
      : undefined,
  heal: makeAnew,
};

const recreated: Kind = {
  name: 'topic-recreated',
  family: 'topics',
  what: 'the events topic deleted and made again',
  expects: 'halts',
  named: /topic_recreated|another topic id|made again/i,
  loses: true,
  break: async (world) => {
    await deleteTopic(world.names.events, world.servers.kafka.internalBrokers);
    await makeAnew(world);
  },
  evidence: async (world) => {
    const found = await withAdmin(world, (admin) => admin.describeTopic(world.names.events));
    return found === null ? undefined : `its id is ${found.topicId}`;
  },
  heal: async () => undefined,
};

const grown: Kind = {
  name: 'partitions-added',
  family: 'topics',
  what: 'two partitions added to the events topic',
  expects: 'survives',
  named: /"partition":[67],[^}]*partition claimed/,
  break: ({ servers, names, partitions }) =>
    growTopic(names.events, partitions + 2, servers.kafka.internalBrokers),
  evidence: async (world) => {
    const found = await withAdmin(world, (admin) => admin.describeTopic(world.names.events));
    const count = found?.partitions.length ?? 0;
    return count > world.partitions ? `${count} partitions` : undefined;
  },
  heal: async () => undefined,
};

const truncated: Kind = {
  name: 'retention-too-short',
  family: 'topics',
  what: 'records deleted that were not counted yet, consumers away meanwhile',
  expects: 'halts',
  named: /\btruncated\b/i,
  restarts: 'ingest-consumer',
  loses: true,
  break: async (world) => {
    const consumers = world.fleet.of('ingest-consumer');
    await Promise.all(consumers.map((one) => one.kill()));
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await withAdmin(world, async (admin) => {
      const { end } = await admin.watermarks(world.names.events, 0);
      await truncatePartition(world.names.events, 0, end, world.servers.kafka.internalBrokers);
    });
    for (const consumer of consumers) consumer.start();
  },
  evidence: async (world) => {
    const { logStart } = await withAdmin(world, (admin) => admin.watermarks(world.names.events, 0));
    return logStart > 0 ? `partition 0 starts at ${logStart}` : undefined;
  },
  heal: async () => undefined,
};

const cleanupPolicy = async ({ servers, names }: World, ...change: string[]): Promise<string> =>
  await servers.kafka.tool(
    'kafka.admin.ConfigCommand',
    '--entity-type',
    'topics',
    '--entity-name',
    names.dlq,
    ...change,
  );

const compacted: Kind = {
  name: 'dlq-compacted',
  family: 'topics',
  what: 'the DLQ topic made a compacted one, which refuses records without a key',
  expects: 'survives',
  isTold: true,
  named: /compact|invalid record|failed to validate/i,
  break: async (world) => {
    await cleanupPolicy(world, '--alter', '--add-config', 'cleanup.policy=compact');
    // Most bad records have a key, which such a topic takes.
    const { servers, names, load } = world;
    const bad = { partition: 0, key: null, value: Buffer.from('no key and no event') };
    await produceRecords(names.events, [bad], servers.kafka.internalBrokers);
    load.enter({ acked: 1, deadLettered: 1 });
  },
  evidence: async (world) =>
    /cleanup\.policy=compact/.exec(await cleanupPolicy(world, '--describe'))?.[0],
  heal: async (world) => {
    await cleanupPolicy(world, '--alter', '--delete-config', 'cleanup.policy');
  },
};

export const TOPICS: readonly Kind[] = [deleted, recreated, grown, truncated, compacted];
