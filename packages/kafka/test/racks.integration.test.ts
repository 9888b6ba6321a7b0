import { randomBytes } from 'node:crypto';
import { hasKafkaServer, kafkaCluster, produceRecords, testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { GroupConsumer, type KafkaSettings, type RecordReader } from '../src/index.ts';
import { range, pump } from './support.ts';

const PARTITIONS = 3;
const RECORDS = 30;
const RECORD_BYTES = 100_000;
const ALL_BYTES = PARTITIONS * RECORDS * RECORD_BYTES;
const TIMEOUT_MS = 120_000;
const WITHIN_MS = 10_000;

test.runIf(hasKafkaServer())(
  'a follower in the reader’s rack is read from, with either reader; when it dies the leaders are; by one connection each',
  async () => {
    await using cluster = await kafkaCluster({ brokers: 3, racks: true, proxied: true });
    const { internalBrokers } = cluster;
    await using topic = await testTopic({
      partitions: PARTITIONS,
      replication: 3,
      brokers: internalBrokers,
    });
    const fill = async (): Promise<void> => {
      const records = range(0, PARTITIONS).flatMap((partition) =>
        range(0, RECORDS).map(() => ({ partition, value: randomBytes(RECORD_BYTES) })),
      );
      await produceRecords(topic.name, records, internalBrokers);
    };
    await fill();
    /** Bytes that each broker sent to clients. */
    const sent = new Map<number, number>();
    for (const node of range(1, 4)) {
      cluster.proxy(node).onServerData((chunk) => {
        sent.set(node, (sent.get(node) ?? 0) + chunk.length);
        return 'forward';
      });
    }
    const member = async (reader: RecordReader, rack?: string): Promise<GroupConsumer> => {
      const settings: KafkaSettings = {
        brokers: cluster.brokers,
        clientId: 'adtally-test',
        security: {},
        rack,
      };
      const groupId = `${topic.name}-${reader}-${rack}`;
      const joined = await GroupConsumer.connect(settings, {
        groupId,
        topic: topic.name,
        protocol: 'consumer',
        reader,
      });
      onTestFinished(() => joined.leave());
      await pump([joined], () => joined.granted.size === PARTITIONS);
      sent.clear();
      for (const partition of range(0, PARTITIONS)) joined.start(partition, 0);
      return joined;
    };
    const shares = async (one: GroupConsumer, records: number): Promise<number[]> => {
      await pump([one], (seen) => seen.length === records);
      return range(1, 4).map((node) => (sent.get(node) ?? 0) / ALL_BYTES);
    };
    const all = PARTITIONS * RECORDS;
    const connections = (): number[] => range(1, 4).map((node) => cluster.proxy(node).connections);
    const { brokers } = cluster;
    const alone = new DirectReader(
      { brokers, clientId: 'adtally-test', security: {} },
      // Room for what all of them send, or those that come last would not be asked.
      { topic: topic.name, bufferBytes: 2 * ALL_BYTES },
    );
    for (const partition of range(0, PARTITIONS)) alone.start(partition, 0);
    await expect.poll(connections, { timeout: WITHIN_MS }).toEqual([1, 1, 1]);
    await alone.close();
    await expect.poll(connections, { timeout: WITHIN_MS }).toEqual([0, 0, 0]);
    let reading: GroupConsumer | null = null;
    for (const reader of ['librdkafka', 'direct'] as const) {
      const without = await member(reader);
      const spread = await shares(without, all);
      expect(Math.max(...spread), `${reader} without a rack: ${spread.join()}`).toBeLessThan(0.5);
      await without.leave();
      const within = await member(reader, 'rack-2');
      const [, near = 0] = await shares(within, all);
      expect(near, `${reader} in rack-2`).toBeGreaterThan(0.95);
      reading = within;
    }
    if (reading === null) throw new Error('nobody reads');
    await cluster.kill(2);
    sent.clear();
    await fill();
    const [first = 0, second, third = 0] = await shares(reading, all);
    expect(second).toBe(0);
    expect(first + third).toBeGreaterThan(0.95);
  },
  TIMEOUT_MS,
);
