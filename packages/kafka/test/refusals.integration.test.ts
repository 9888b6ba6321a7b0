import { grant, hasKafkaServer, kafkaCluster, revoke, testTopic, waitFor } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { AckedProducer, type KafkaSettings, type ProduceRecord } from '../src/index.ts';
import { cluster } from './support.ts';

const kafka = await cluster();
const HEALED_MS = 40_000;

function record(topic: string, key: string | null, text = 'v'): ProduceRecord {
  return { topic, key, partition: 0, value: Buffer.from(text) };
}

test.each([
  ['a', null],
  ['a', null, 'b', null],
  [null, null],
])(
  'of a batch for a compacted topic only the records without a key are refused: %j',
  async (...keys) => {
    const topic = await kafka.topic(1, { 'cleanup.policy': 'compact' });
    const outcomes = await kafka.producer.produceAll(keys.map((key) => record(topic, key)));
    const refused = {
      failed: 'refused',
      code: 87,
      message: expect.stringMatching(/failed to validate record \(87\)/),
    };
    expect(outcomes).toEqual(keys.map((key) => (key === null ? refused : 'acked')));
  },
);

test.runIf(hasKafkaServer())(
  'a right that is missing is said in the broker’s words, and once it is there the same producer goes on',
  { timeout: 120_000 },
  async () => {
    await using own = await kafkaCluster({ users: { writer: 'canary-3391' }, acls: true });
    const settings: KafkaSettings = {
      brokers: own.brokers,
      clientId: 'adtally-test',
      security: {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'writer',
        'sasl.password': () => 'canary-3391',
      },
    };
    const { name: topic } = await testTopic({ partitions: 1, brokers: own.internalBrokers });
    await grant(own, 'writer', { topic }, 'DESCRIBE');
    const producer = await AckedProducer.connect(settings, { deliveryTimeoutMs: 3_000 });
    onTestFinished(() => producer.close());
    const send = async () => (await producer.produceAll([record(topic, 'k')]))[0];
    const isAcked = async () => (await send()) === 'acked';

    // Without any right to write the client gets no producer id, and gives up for good.
    const withoutId = await send();
    expect(withoutId).toMatchObject({
      failed: 'transient',
      message: expect.stringMatching(/cluster authorization failed/i),
    });
    expect(producer.trouble).toMatchObject({
      code: 'cluster_authorization',
      message: expect.stringMatching(/failed to acquire idempotence PID/i),
    });
    await grant(own, 'writer', { topic }, 'WRITE');
    await waitFor(isAcked, { what: 'the right to write to be used', timeoutMs: HEALED_MS });
    expect(producer.trouble).toBeNull();

    await revoke(own, 'writer', { topic }, 'WRITE');
    await waitFor(async () => !(await isAcked()), { what: 'the refusal', timeoutMs: HEALED_MS });
    expect(await send()).toMatchObject({
      failed: 'transient',
      message: expect.stringMatching(/authorization failed/i),
    });
    expect(producer.trouble?.code).toMatch(/^(topic|cluster)_authorization$/);
    await grant(own, 'writer', { topic }, 'WRITE');
    await waitFor(isAcked, { what: 'the right to write to be used again', timeoutMs: HEALED_MS });
  },
);
