import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { brokersKnownAt } from '@adtally/native-servers';
import { expect, test } from 'vitest';
import { hasKafkaServer, kafkaCluster, produceRecords, testTopic, waitFor } from '../src/index.ts';

const TIMEOUT_MS = 180_000;
const record = (partition: number) => ({ partition, value: Buffer.from('v') });

test.runIf(hasKafkaServer())(
  'three brokers: one is killed and started again, one is frozen, and writing goes on',
  { timeout: TIMEOUT_MS },
  async () => {
    await using cluster = await kafkaCluster({ brokers: 3 });
    const { brokers } = cluster;
    await using topic = await testTopic({ partitions: 3, replication: 3, brokers });
    await produceRecords(topic.name, [record(0), record(1), record(2)], brokers);
    expect([1, 2, 3]).toContain(cluster.controller());
    const log = join(cluster.logFolder(1), `${topic.name}-0`, '00000000000000000000.log');
    expect(existsSync(log)).toBe(true);

    const portOf = (node: number) => Number(cluster.internalBroker(node).split(':')[1]);
    const known = async (expected: number) =>
      await waitFor(async () => (await brokersKnownAt(portOf(1))) === expected, {
        what: `${expected} brokers`,
        timeoutMs: 60_000,
      });
    await cluster.kill(2);
    await known(2);
    await produceRecords(topic.name, [record(0), record(1), record(2)], brokers);
    await cluster.start(2);
    await known(3);
    cluster.freeze(3);
    await known(2);
    cluster.thaw(3);
    await known(3);
    await expect(cluster.tool('kafka.admin.ConfigCommand', '--nonsense')).rejects.toThrow(
      /nonsense/,
    );
  },
);
