import { hasKafkaServer, kafkaCluster, testTopic, type KafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { AckedProducer, KafkaAdmin, type KafkaSettings } from '../src/index.ts';
import { RecordSpans } from '../src/record-batch/record-spans.ts';
import { expectTheSame } from './both-readers.ts';
import { range } from './support.ts';

const BUFFER_BYTES = 8 * 1024 * 1024;
const TIMEOUT_MS = 120_000;
const READ_WITHIN_MS = 45_000;

/** A broker that is gone or frozen is noticed in seconds; the defaults take 9 and 30. */
const QUICK_FAILOVER = {
  'broker.session.timeout.ms': '4000',
  'broker.heartbeat.interval.ms': '1000',
  'replica.lag.time.max.ms': '4000',
};

const plain = (cluster: KafkaCluster): KafkaSettings => ({
  brokers: cluster.brokers,
  clientId: 'adtally-test',
  security: {},
});

/** Reads in the background and remembers every offset; `until` waits for a partition to reach one. */
function reading(settings: KafkaSettings, topic: string, partitions: number) {
  const reader = new DirectReader(settings, { topic, bufferBytes: BUFFER_BYTES });
  const seen = range(0, partitions).map((): number[] => []);
  const over = new AbortController();
  const loop = async (): Promise<void> => {
    const spans = new RecordSpans(500);
    while (!over.signal.aborted) {
      spans.clear();
      await reader.read(spans, 100);
      for (let row = 0; row < spans.count; row += 1) {
        seen[spans.partition[row] ?? 0]?.push(spans.offset[row] ?? -1);
      }
    }
  };
  for (const partition of range(0, partitions)) reader.start(partition, 0);
  const running = loop();
  onTestFinished(async () => {
    over.abort();
    await running;
    await reader.close();
  });
  return {
    reader,
    seen,
    /** Every partition was read up to its end, in order, nothing twice. */
    until: async (ends: readonly number[]) => {
      await expect
        .poll(() => seen.map((offsets) => offsets.length), { timeout: READ_WITHIN_MS })
        .toEqual(ends);
      expect(seen).toEqual(ends.map((end) => range(0, end)));
    },
  };
}

test.runIf(hasKafkaServer())(
  'reads on from the next leader when one dies, freezes or gives its leadership away',
  async () => {
    await using cluster = await kafkaCluster({ brokers: 3, settings: QUICK_FAILOVER });
    const { internalBrokers: brokers } = cluster;
    await using topic = await testTopic({ partitions: 6, replication: 3, brokers });
    /** Fills every partition, by new producers until the cluster takes it; returns where the logs end. */
    const fill = async (): Promise<number[]> => {
      let left = range(0, 6).flatMap((partition) =>
        range(0, 100).map((n) => ({
          topic: topic.name,
          partition,
          key: null,
          value: Buffer.from(String(n)),
        })),
      );
      while (left.length > 0) {
        const producer = await AckedProducer.connect(plain(cluster), { deliveryTimeoutMs: 5_000 });
        const outcomes = await producer.produceAll(left);
        left = left.filter((_, index) => outcomes[index] !== 'acked');
        await producer.close();
      }
      return await endsOf(cluster, topic.name, 6);
    };
    const { until, reader } = reading(plain(cluster), topic.name, 6);
    await until(await fill());

    await cluster.kill(1);
    await until(await fill());
    await cluster.start(1);

    // Back in step, so that the next may be missed.
    await expect.poll(() => inSync(cluster, topic.name), { timeout: READ_WITHIN_MS }).toBe(18);
    cluster.freeze(2);
    await until(await fill());
    cluster.thaw(2);

    await expect.poll(() => inSync(cluster, topic.name), { timeout: READ_WITHIN_MS }).toBe(18);
    await cluster.stop(3);
    await until(await fill());
    expect(reader.faults().size).toBe(0);
    const admin = new KafkaAdmin(plain(cluster));
    onTestFinished(() => admin.close());
    await expectTheSame({ settings: plain(cluster), admin }, topic.name, range(0, 6));
  },
  TIMEOUT_MS,
);

async function endsOf(cluster: KafkaCluster, topic: string, count: number): Promise<number[]> {
  const admin = new KafkaAdmin(plain(cluster));
  try {
    const ends: number[] = [];
    for (const partition of range(0, count)) {
      ends.push((await admin.watermarks(topic, partition)).end);
    }
    return ends;
  } finally {
    admin.close();
  }
}

/** Replicas in sync, over all partitions. */
async function inSync(cluster: KafkaCluster, topic: string): Promise<number> {
  const admin = new KafkaAdmin(plain(cluster));
  try {
    const described = await admin.describeTopic(topic);
    return (described?.partitions ?? []).reduce((sum, { isr }) => sum + isr, 0);
  } finally {
    admin.close();
  }
}

test.runIf(hasKafkaServer())(
  'a partition without a leader says so and is read once it has one again; nobody to ask is named as well',
  async () => {
    await using cluster = await kafkaCluster({ brokers: 3, settings: QUICK_FAILOVER });
    const { internalBrokers: brokers } = cluster;
    await using topic = await testTopic({ partitions: 3, replication: 1, brokers });
    const { reader, until } = reading(plain(cluster), topic.name, 3);
    await expect
      .poll(() => range(0, 3).map((one) => reader.end(one)), { timeout: READ_WITHIN_MS })
      .toEqual([0, 0, 0]);
    await cluster.kill(2);
    const reasons = (): unknown[] =>
      range(0, 3).map((one) => reader.hindrances().get(one)?.code ?? null);
    await expect
      .poll(reasons, { timeout: READ_WITHIN_MS })
      .toSatisfy(
        (codes: unknown[]) => codes.filter((code) => code === 'leader_missing').length === 1,
      );
    await cluster.start(2);
    await expect.poll(reasons, { timeout: READ_WITHIN_MS }).toEqual([null, null, null]);
    await until([0, 0, 0]);
  },
  TIMEOUT_MS,
);

test.runIf(hasKafkaServer()).each(['PLAIN', 'SCRAM-SHA-256'])(
  'reads under SASL %s, and a wrong password is the reason of every partition',
  async (mechanism) => {
    await using cluster = await kafkaCluster({ users: { adtally: 'correct-horse' } });
    if (mechanism !== 'PLAIN') {
      await cluster.tool(
        'kafka.admin.ConfigCommand',
        '--alter',
        '--entity-type',
        'users',
        '--entity-name',
        'adtally',
        '--add-config',
        'SCRAM-SHA-256=[password=correct-horse]',
      );
    }
    const settings = (password: string): KafkaSettings => ({
      ...plain(cluster),
      security: {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': mechanism,
        'sasl.username': 'adtally',
        'sasl.password': password,
      },
    });
    await using topic = await testTopic({ partitions: 1, brokers: cluster.internalBrokers });
    const producer = await AckedProducer.connect(settings('correct-horse'));
    onTestFinished(() => producer.close());
    const value = Buffer.from('v');
    await producer.produceAll([{ topic: topic.name, partition: 0, key: null, value }]);
    const { until } = reading(settings('correct-horse'), topic.name, 1);
    await until([1]);
    const refused = reading(settings('wrong'), topic.name, 1);
    await expect
      .poll(() => refused.reader.hindrances().get(0)?.code, { timeout: READ_WITHIN_MS })
      .toBe('authentication_failed');
    const { detail } = refused.reader.hindrances().get(0) ?? { detail: '' };
    expect(detail).toMatch(/authentication/i);
    expect(detail).not.toContain('wrong');
  },
  TIMEOUT_MS,
);
