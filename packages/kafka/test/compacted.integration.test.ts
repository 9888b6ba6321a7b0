import { hasKafkaServer, kafkaCluster, produceRecords, testTopic } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { KafkaAdmin } from '../src/index.ts';
import { expectTheSame } from './both-readers.ts';
import { range } from './support.ts';

const RECORDS = 300;
const KEYS = 7;
const COMPACTED_WITHIN_MS = 30_000;

test.runIf(hasKafkaServer())(
  'the direct reader shows what the client does of a log that was compacted, tombstones among it',
  { timeout: 90_000 },
  async () => {
    // Of its own: by default the cleaner looks every 15 s.
    await using cluster = await kafkaCluster({ settings: { 'log.cleaner.backoff.ms': '100' } });
    const { brokers } = cluster;
    const config = {
      'cleanup.policy': 'compact',
      'segment.ms': '200',
      'min.cleanable.dirty.ratio': '0.01',
      'delete.retention.ms': '600000',
    };
    await using topic = await testTopic({ partitions: 1, config, brokers });
    const settings = { brokers, clientId: 'adtally-test', security: {} };
    const admin = new KafkaAdmin(settings);
    onTestFinished(() => admin.close());
    const write = (from: number): Promise<void> =>
      produceRecords(
        topic.name,
        range(from, from + RECORDS).map((n) => ({
          partition: 0,
          key: Buffer.from(`key ${n % KEYS}`),
          value: n % 50 === 0 ? null : Buffer.from(`value ${n}`),
        })),
        brokers,
      );
    await write(0);
    let next = RECORDS;
    await expect
      .poll(
        async () => {
          // What comes later closes the segment before: only closed ones are compacted.
          await write(next);
          next += RECORDS;
          const shown = await expectTheSame({ settings, admin }, topic.name, [0]);
          return shown.length < next - RECORDS;
        },
        { timeout: COMPACTED_WITHIN_MS, interval: 500 },
      )
      .toBe(true);
  },
);
