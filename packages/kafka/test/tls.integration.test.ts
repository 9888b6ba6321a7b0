import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  hasKafkaServer,
  kafkaCluster,
  produceRecords,
  selfSigned,
  setScramPassword,
  testTopic,
  waitFor,
} from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import {
  AckedProducer,
  GroupConsumer,
  KafkaAdmin,
  kafkaFailure,
  type KafkaSettings,
} from '../src/index.ts';
import { RecordSpans } from '../src/record-batch/record-spans.ts';
import { pump } from './support.ts';

const PASSWORD = 'correct-horse';
const TIMEOUT_MS = 120_000;
const WITHIN_MS = 20_000;
const TRIES = { connectTimeoutMs: 3_000 };
const REFUSAL = /^(certificate_refused|tls_failed|protocol_mismatch|broker_unreachable)$/;

test.runIf(hasKafkaServer())(
  'reads over TLS with a certificate of its own and SASL, as the client does; what is refused is named',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'adtally-tls-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const [broker, client, stranger] = [selfSigned(), selfSigned(), selfSigned()];
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    await using cluster = await kafkaCluster({
      users: { adtally: PASSWORD },
      tls: { ...broker, clients: client.cert },
    });
    await setScramPassword(cluster, 'adtally', PASSWORD);
    await using topic = await testTopic({ partitions: 1, brokers: cluster.internalBrokers });
    await produceRecords(
      topic.name,
      [{ partition: 0, value: Buffer.from('v') }],
      cluster.internalBrokers,
    );
    const settings = (overrides: KafkaSettings['security'] = {}): KafkaSettings => ({
      brokers: cluster.brokers,
      clientId: 'adtally-test',
      security: {
        'security.protocol': 'sasl_ssl',
        'ssl.ca.location': file('ca.pem', broker.cert),
        'ssl.certificate.location': file('client.pem', client.cert),
        'ssl.key.location': file('client.key', client.key),
        'sasl.mechanism': 'PLAIN',
        'sasl.username': 'adtally',
        'sasl.password': PASSWORD,
        ...overrides,
      },
    });
    for (const mechanism of ['PLAIN', 'SCRAM-SHA-256']) {
      for (const reader of ['direct', 'librdkafka'] as const) {
        const member = await GroupConsumer.connect(settings({ 'sasl.mechanism': mechanism }), {
          groupId: `${topic.name}-${mechanism}-${reader}`,
          topic: topic.name,
          protocol: 'consumer',
          reader,
        });
        onTestFinished(() => member.leave());
        await pump([member], () => member.granted.size === 1);
        member.start(0, 0);
        expect(await pump([member], (seen) => seen.length === 1)).toEqual([[0, 0, 'v']]);
      }
    }
    const admin = new KafkaAdmin(settings());
    onTestFinished(() => admin.close());
    expect((await admin.describeTopic(topic.name))?.partitions).toHaveLength(1);
    const producer = await AckedProducer.connect(settings());
    onTestFinished(() => producer.close());
    const record = { topic: topic.name, key: null, value: Buffer.from('v') };
    expect(await producer.produceAll([record])).toEqual(['acked']);
    const refused = async (overrides: KafkaSettings['security']): Promise<unknown> => {
      const failed = await AckedProducer.connect(settings(overrides), TRIES).catch(
        (error: unknown) => kafkaFailure(error),
      );
      expect(failed).toMatchObject({ code: expect.stringMatching(REFUSAL) });
      const reader = new DirectReader(settings(overrides), {
        topic: topic.name,
        bufferBytes: 1024 * 1024,
      });
      onTestFinished(() => reader.close());
      reader.start(0, 0);
      const said = (): string | undefined => reader.hindrances().get(0)?.code;
      await waitFor(said, { what: 'a hindrance', timeoutMs: WITHIN_MS });
      const spans = new RecordSpans(1);
      await reader.read(spans, 10);
      expect(spans.count).toBe(0);
      return said();
    };
    const other = file('other.pem', stranger.cert);
    expect(await refused({ 'ssl.ca.location': other })).toBe('certificate_refused');
    expect(
      await refused({
        'ssl.certificate.location': other,
        'ssl.key.location': file('other.key', stranger.key),
      }),
    ).toMatch(/^(certificate_refused|tls_failed)$/);
    expect(await refused({ 'security.protocol': 'sasl_plaintext' })).toMatch(
      /^(protocol_mismatch|broker_unreachable)$/,
    );
    // Nobody is asked with what it cannot do.
    expect(
      () =>
        new DirectReader(settings({ 'sasl.mechanism': 'OAUTHBEARER' }), {
          topic: topic.name,
          bufferBytes: 1,
        }),
    ).toThrow(/OAUTHBEARER without any tokens/);
  },
  TIMEOUT_MS,
);
