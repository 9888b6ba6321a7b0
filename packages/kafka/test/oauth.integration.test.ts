import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '@adtally/telemetry';
import {
  freePort,
  hasKafkaServer,
  kafkaCluster,
  selfSigned,
  testTopic,
  tokenIssuer,
  waitFor,
} from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { DirectReader } from '../src/direct/direct-reader.ts';
import { readKafkaSettings } from '../src/env/index.ts';
import {
  AckedProducer,
  chooseGroupProtocol,
  GroupConsumer,
  KafkaAdmin,
  KafkaError,
  kafkaFailure,
  type KafkaSettings,
} from '../src/index.ts';

const TIMEOUT_MS = 120_000;
const SECRET = 'canary-9917';
const TRIES = { requestTimeoutMs: 2_000, connectTimeoutMs: 2_000 };
/** A broker takes no second login within a second, so a connection must last longer. */
const LIFE_SECONDS = 5;
/** A life of a token and more. */
const LASTS_MS = 9_000;
const SAID_MS = 15_000;
/** It took 3 s, the first of two tries of one request. */
const FIRST_REQUEST_MS = 2_500;

test.runIf(hasKafkaServer())(
  'tokens of an identity provider over TLS: every client works on while they expire, and says what is refused',
  { timeout: TIMEOUT_MS },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'adtally-oauth-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const broker = selfSigned();
    const caFile = join(folder, 'ca.pem');
    writeFileSync(caFile, broker.cert);
    const issuer = await tokenIssuer({ adtally: SECRET });
    onTestFinished(() => issuer.close());
    await using cluster = await kafkaCluster({ tls: broker, tokenKeys: issuer.keys });
    await using topic = await testTopic({ partitions: 1, brokers: cluster.internalBrokers });
    const settings = (overrides: Record<string, string> = {}): KafkaSettings =>
      readKafkaSettings({
        KAFKA_BROKERS: cluster.brokers,
        KAFKA_SECURITY_PROTOCOL: 'sasl_ssl',
        KAFKA_SSL_CA_FILE: caFile,
        KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        KAFKA_OAUTH_TOKEN_URL: issuer.url,
        KAFKA_OAUTH_CLIENT_ID: 'adtally',
        KAFKA_OAUTH_CLIENT_SECRET: SECRET,
        ...overrides,
      });

    issuer.lifeSeconds = LIFE_SECONDS;
    const own = settings();
    const log = createLogger({ service: 'test', level: 'silent' });
    const protocol = await chooseGroupProtocol(own, { wanted: 'auto', groupId: topic.name, log });
    const producer = await AckedProducer.connect(own);
    const admin = new KafkaAdmin(own);
    onTestFinished(() => producer.close());
    onTestFinished(() => admin.close());
    // A request that is sent before the first token would hold up the process until it times out.
    const askedMs = performance.now();
    expect(await admin.describeTopic(topic.name)).not.toBeNull();
    expect(performance.now() - askedMs).toBeLessThan(FIRST_REQUEST_MS);
    const members = await Promise.all(
      (['direct', 'librdkafka'] as const).map((reader) =>
        GroupConsumer.connect(own, {
          groupId: `${topic.name}-${reader}`,
          topic: topic.name,
          protocol,
          reader,
        }),
      ),
    );
    for (const member of members) onTestFinished(() => member.leave());
    const seen = members.map(() => 0);
    const turn = async (): Promise<void> => {
      await Promise.all(
        members.map(async (member, index) => {
          const records = await member.fetch(100, 100);
          seen[index] = (seen[index] ?? 0) + records.length;
          for (const event of member.takeRebalances()) {
            member.settle(event);
            if (event.kind === 'granted') for (const one of event.partitions) member.start(one, 0);
          }
        }),
      );
    };
    const overMs = performance.now() + LASTS_MS;
    let sent = 0;
    while (performance.now() < overMs) {
      const value = Buffer.from('v');
      const [outcome] = await producer.produceAll([{ topic: topic.name, key: null, value }]);
      expect(outcome).toBe('acked');
      sent += 1;
      await admin.watermarks(topic.name, 0);
      await turn();
    }
    const isAllRead = async () => {
      await turn();
      return seen.every((count) => count === sent);
    };
    await waitFor(isAllRead, { what: 'all records read', timeoutMs: SAID_MS, intervalMs: 0 });
    for (const member of members) expect(member.trouble).toBeNull();
    // One source for all clients: a token is fetched once half of the one before is over.
    expect(issuer.given).toBeGreaterThanOrEqual(2);
    expect(issuer.given).toBeLessThanOrEqual(10);

    const refused = async (given: KafkaSettings, words: RegExp, code: string): Promise<void> => {
      const asking = new KafkaAdmin(given, TRIES);
      onTestFinished(() => asking.close());
      const reader = new DirectReader(given, { topic: topic.name, bufferBytes: 1 });
      onTestFinished(() => reader.close());
      reader.start(0, 0);
      const said = () => reader.hindrances().get(0);
      const answers = await Promise.allSettled([
        asking.describeTopic(topic.name),
        AckedProducer.connect(given, TRIES),
        chooseGroupProtocol(given, { wanted: 'auto', groupId: 'any', log }),
      ]);
      for (const answer of answers) {
        const { reason } = answer as PromiseRejectedResult;
        expect(reason).toBeInstanceOf(KafkaError);
        expect(String(reason)).toMatch(words);
        expect(kafkaFailure(reason)?.code).toBe(code);
        expect(String(reason)).not.toContain('canary');
      }
      await waitFor(said, { what: 'a hindrance', timeoutMs: SAID_MS });
      expect(said()?.detail).toMatch(words);
      expect(said()?.code).toBe(code);
    };
    await refused(
      settings({ KAFKA_OAUTH_CLIENT_SECRET: 'canary-wrong' }),
      /token endpoint http:\S+ refuses KAFKA_OAUTH_CLIENT_ID: it answers 401 invalid_client/,
      'authentication_failed',
    );
    await refused(
      settings({ KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${await freePort()}/token` }),
      /token endpoint http:\S+ is away: connect ECONNREFUSED/,
      'token_unavailable',
    );
    const stranger = await tokenIssuer({ adtally: SECRET });
    onTestFinished(() => stranger.close());
    await refused(
      settings({ KAFKA_OAUTH_TOKEN_URL: stranger.url }),
      /authenticat|invalid.*token/i,
      'authentication_failed',
    );
  },
);
