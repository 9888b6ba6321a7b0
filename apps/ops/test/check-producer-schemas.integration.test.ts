import {
  hasSchemaRegistry,
  kafkaBrokers,
  produceRecords,
  testSchemaRegistry,
  testTopic,
} from '@adtally/testkit';
import { expect, test } from 'vitest';
import { runOps } from './support/ops.ts';

const AVRO_SCHEMA =
  '{"type":"record","name":"AdEvent","fields":[{"name":"campaign_id","type":"string"}]}';

test.runIf(hasSchemaRegistry())(
  'a producer team learns which schema its serializer names, and that it is not read',
  async () => {
    await using registry = await testSchemaRegistry();
    await using topic = await testTopic({ partitions: 1 });
    const id = await registry.register(`${topic.name}-value`, 'AVRO', AVRO_SCHEMA);
    const value = Buffer.of(0, 0, 0, 0, id, 6, 0x63, 0x2d, 0x37);
    await produceRecords(topic.name, [{ partition: 0, value }]);
    const env = { KAFKA_BROKERS: await kafkaBrokers() };
    const check = async (registryEnv: Readonly<Record<string, string>>) =>
      await runOps(['check-producer', '--topic', topic.name], { ...env, ...registryEnv });
    const byShape = 'framing of Avro or Protobuf, which is not read';
    expect(await check({})).toMatchObject({ code: 3, stdout: expect.stringContaining(byShape) });
    expect(await check({ SCHEMA_REGISTRY_URL: registry.url })).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(
        `with schema ${id}, AVRO of subject "${topic.name}-value" by the registry: only JSON is read`,
      ),
    });
    // A registry that says nothing takes nothing away.
    expect(await check({ SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' })).toMatchObject({
      code: 3,
      stdout: expect.stringContaining(byShape),
    });
  },
);
