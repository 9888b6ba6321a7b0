import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { freePort, kafkaBrokers, selfSigned } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import {
  AckedProducer,
  GroupConsumer,
  KafkaAdmin,
  KafkaError,
  type KafkaSettings,
  TopicReader,
  type TroubleCode,
} from '../src/index.ts';

const CONNECT_TIMEOUT_MS = 1_500;

/** What each kind of client says when it cannot work with these settings. */
const CLIENTS: Record<string, (settings: KafkaSettings) => Promise<unknown>> = {
  admin: async (settings) => {
    const admin = new KafkaAdmin(settings, { requestTimeoutMs: CONNECT_TIMEOUT_MS });
    onTestFinished(() => admin.close());
    return await admin.describeTopic('any');
  },
  producer: (settings) => AckedProducer.connect(settings, { connectTimeoutMs: CONNECT_TIMEOUT_MS }),
  consumer: (settings) =>
    GroupConsumer.connect(settings, {
      topic: 'any',
      groupId: 'any',
      protocol: 'consumer',
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
    }),
  reader: (settings) =>
    TopicReader.connect(settings, { topic: 'any', connectTimeoutMs: CONNECT_TIMEOUT_MS }),
};

interface Obstacle {
  readonly codes: readonly TroubleCode[];
  readonly words: RegExp;
  settings(): Promise<KafkaSettings>;
}

const OBSTACLES: Record<string, Obstacle> = {
  'a name that does not exist': {
    codes: ['host_unknown'],
    words: /no-such-host\.invalid.*Failed to resolve.*not known/i,
    settings: () => Promise.resolve(settingsOf('no-such-host.invalid:9092')),
  },
  'a port that refuses': {
    codes: ['broker_unreachable'],
    words: /Connect to .* failed: Connection refused/,
    settings: async () => settingsOf(`127.0.0.1:${await freePort()}`),
  },
  'a server that hangs up': {
    codes: ['broker_unreachable'],
    words: /Disconnected: .* a TLS listener reached without TLS\?/,
    settings: async () => settingsOf(await listening(createServer((socket) => socket.destroy()))),
  },
  'plaintext to a TLS port': {
    codes: ['broker_unreachable'],
    words: /Disconnected: .* a TLS listener reached without TLS\?/,
    settings: async () => settingsOf(await listening(createTlsServer(selfSigned()))),
  },
  'a certificate of another authority': {
    codes: ['certificate_refused'],
    words: /certificate verify failed/,
    settings: async () =>
      settingsOf(await listening(createTlsServer(selfSigned())), {
        'security.protocol': 'ssl',
        'ssl.ca.pem': selfSigned().cert,
      }),
  },
  'TLS to a plaintext port': {
    // Whether the client is told of the reset first is chance.
    codes: ['protocol_mismatch', 'tls_failed'],
    words: /SSL (?:handshake failed: .*PLAINTEXT|connection closed)/,
    settings: async () => settingsOf(await kafkaBrokers(), { 'security.protocol': 'ssl' }),
  },
  'SASL to a port without it': {
    codes: ['authentication_failed'],
    words: /SASL/,
    settings: async () =>
      settingsOf(await kafkaBrokers(), {
        'security.protocol': 'sasl_plaintext',
        'sasl.mechanism': 'SCRAM-SHA-256',
        'sasl.username': 'user',
        'sasl.password': () => 'canary-7713',
      }),
  },
};

test.each(Object.entries(OBSTACLES))('%s is what every client says', async (_, obstacle) => {
  const settings = await obstacle.settings();
  const check = async (work: (settings: KafkaSettings) => Promise<unknown>) => {
    const error = await work(settings).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(KafkaError);
    const { message, cause, trouble } = error as KafkaError;
    expect(message).toMatch(obstacle.words);
    expect((cause as Error).message).toMatch(obstacle.words);
    expect(obstacle.codes).toContain(trouble?.code);
    expect(`${message} ${String(cause)}`).not.toContain('canary-7713');
  };
  await Promise.all(Object.values(CLIENTS).map(check));
});

function settingsOf(brokers: string, security: KafkaSettings['security'] = {}): KafkaSettings {
  return { brokers, clientId: 'adtally-test', security };
}

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
