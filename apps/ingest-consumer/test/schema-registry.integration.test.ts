import { resolve } from 'node:path';
import { shown } from '@adtally/pipeline/testing';
import {
  hasSchemaRegistry,
  produceRecords,
  ServiceProcess,
  testSchemaRegistry,
} from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectBalanced, found } from './support/truth.ts';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');
const JSON_SCHEMA = '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object"}';
const AVRO_SCHEMA = '{"type":"record","name":"A","fields":[{"name":"a","type":"string"}]}';
const LOGIN = 'reader:canary-5512';

const framed = (id: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.of(0, 0, 0, 0, id), body]);

test.runIf(hasSchemaRegistry())(
  'what a registry says of schema numbers is told, and what it does not say stops nothing',
  async () => {
    await using registry = await testSchemaRegistry();
    const json = await registry.register('ad-events-value', 'JSON', JSON_SCHEMA);
    const avro = await registry.register('others-value', 'AVRO', AVRO_SCHEMA);
    const unknown = 99;
    const the = await stage({ partitions: 1 });
    const env = { BREAKER_REJECTED_SHARE: 'off', EVENTS_VALUE_FORMAT: 'auto' };
    const records = (from: number) =>
      [json, unknown, null].map((id, n) => {
        const { key, value } = shown(from + n);
        const bytes = Buffer.from(String(value));
        return { partition: 0, key: key as Buffer, value: id === null ? bytes : framed(id, bytes) };
      });
    const notRead = { partition: 0, value: framed(avro, Buffer.of(2, 0x61)) };

    const consumer = the.start({ ...env, SCHEMA_REGISTRY_URL: registry.url });
    await produceRecords(the.topic, [...records(1), notRead]);
    await consumer.logged(
      'values are framed with this JSON schema',
      (entry) => entry['schema_id'] === json,
    );
    await consumer.logged('values are framed with a schema that is not JSON: only JSON is read');
    await consumer.logged(
      'values are framed with a schema number that the registry does not have; events among them are counted by their shape',
      (entry) => entry['schema_id'] === unknown,
    );
    await produceRecords(the.topic, [notRead]);
    await the.untilConsumed(5, consumer);
    expect((await consumer.stop()).code).toBe(0);

    const alone = the.start({ ...env, SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1' });
    await produceRecords(the.topic, records(4));
    await the.untilConsumed(8, alone);
    expect(alone.entries.map(({ msg }) => msg)).toContainEqual(
      expect.stringContaining('the schema registry (SCHEMA_REGISTRY_URL) tells nothing: '),
    );
    expect(await found(the)).toMatchObject({
      unique: 6,
      duplicate: 0,
      dead_lettered: { malformed_json: 2 },
    });
    await expectBalanced(the);

    const asked = async (option: string, url: string) => {
      const given = {
        KAFKA_BROKERS: the.settings.brokers,
        DATABASE_URL: the.databaseUrl,
        EVENTS_TOPIC: the.topic,
        DLQ_TOPIC: the.dlq,
        SCHEMA_REGISTRY_URL: url,
        SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: LOGIN,
      };
      return await new ServiceProcess(MAIN, given, { argv: [option] }).ended;
    };
    const config = await asked('--check-config', registry.url);
    expect(config.stdout).toMatch(/SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO.*\*\*\*/);
    expect(config.stdout).not.toContain('canary');
    expect(await asked('--check-connections', registry.url)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^Schema registry \(SCHEMA_REGISTRY_URL\): ok: it keeps .*JSON/m,
      ),
    });
    expect(await asked('--check-connections', 'http://127.0.0.1:1')).toMatchObject({
      code: 69,
      stdout: expect.stringMatching(/^Schema registry .*FAILED: .*\(registry_unreachable\)$/m),
    });
  },
);
