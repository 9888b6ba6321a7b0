import { grant, hasKafkaServer, kafkaCluster, produceRecords, testTopic } from '@adtally/testkit';
import { afterAll, describe, expect, test } from 'vitest';
import { runOps } from './support/ops.ts';

const PASSWORD = 'canary-7731';
const PARTITIONS = 2;
/** Fewer than a reader waits for a partition of which nothing comes. */
const SOON_MS = 15_000;

describe.runIf(hasKafkaServer())('a producer team that may not do all', async () => {
  if (!hasKafkaServer()) return;
  const own = await kafkaCluster({ users: { member: PASSWORD }, acls: true });
  afterAll(() => own.close());
  const topic = await testTopic({ partitions: PARTITIONS, brokers: own.internalBrokers });
  const records = [{ partition: 1, value: Buffer.from('{') }];
  await produceRecords(topic.name, records, own.internalBrokers);

  async function check() {
    const env = {
      KAFKA_BROKERS: own.brokers,
      KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: 'member',
      KAFKA_SASL_PASSWORD: PASSWORD,
    };
    return await runOps(['check-producer', '--topic', topic.name], env);
  }

  test('is told in a sentence which right is missing; READ on the topic is enough', async () => {
    expect(await check()).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(
        /^adtally: Kafka at .* refuses us: describe .*Topic authorization failed \(29\)\n$/,
      ),
    });
    await grant(own, 'member', { topic: topic.name }, 'DESCRIBE');
    const began = performance.now();
    expect(await check()).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('partition 1  not read: Broker: Topic authorization failed'),
    });
    expect(performance.now() - began).toBeLessThan(SOON_MS);
    await grant(own, 'member', { topic: topic.name }, 'READ');
    const { code, stdout } = await check();
    expect(code).toBe(3);
    expect(stdout).toContain('timestamp type not told by the brokers');
    expect(stdout).toContain('malformed_json');
  });
});
