import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import {
  databaseUrl,
  freePort,
  kafkaBrokers,
  kafkaCluster,
  testPostgres,
  testRedis,
} from '@adtally/testkit';

/** How a server is broken. */
export const WAYS = ['refused', 'password', 'tls', 'dns', 'garbage', 'closes'] as const;
export type Way = (typeof WAYS)[number];

const USER = 'adtally';
const ECHO_MS = 500;

/** Addresses at which nothing works, and why; each holds the secret it is given. */
export interface BrokenServers {
  postgres(way: Way, password: string): Record<string, string>;
  redis(way: Way, password: string): Record<string, string>;
  kafka(way: Way, password: string): Record<string, string>;
  /** Brokers that take tokens, and who is to give them. */
  tokens(way: Way, secret: string): Record<string, string>;
  /** Of a webhook: a path and a password, both the secret. */
  sink(way: Way, secret: string): string;
  /** What takes exports. */
  collector(way: Way): string;
  close(): Promise<void>;
}

export async function brokenServers(): Promise<BrokenServers> {
  const [postgres, redis, kafka, shared, brokers, refusing] = await Promise.all([
    testPostgres({ password: 'the-right-one' }),
    testRedis({ config: { requirepass: 'the-right-one' } }),
    kafkaCluster({ users: { [USER]: 'the-right-one' } }),
    databaseUrl(),
    kafkaBrokers(),
    freePort(),
  ]);
  // Says back what it was told, the worst that a garbled answer could be, and is not waited for; one that hangs up.
  const echo = await listener((socket) => {
    socket.pipe(socket);
    setTimeout(() => socket.destroy(), ECHO_MS);
  });
  const closing = await listener((socket) => socket.destroy());
  const hostOf = (way: Exclude<Way, 'password' | 'tls'>): string =>
    ({
      refused: `127.0.0.1:${refusing}`,
      dns: 'nowhere.invalid:1',
      garbage: `127.0.0.1:${echo.port}`,
      closes: `127.0.0.1:${closing.port}`,
    })[way];
  const schemeOf = (way: Way): string => (way === 'tls' ? 'https' : 'http');
  const httpHostOf = (way: Way): string =>
    hostOf(way === 'password' || way === 'tls' ? 'garbage' : way);
  return {
    postgres: (way, password) => ({ DATABASE_URL: postgresUrl(way, password) }),
    redis: (way, password) => ({ REDIS_URL: redisUrl(way, password) }),
    kafka: (way, password) => ({
      KAFKA_BROKERS: way === 'password' ? kafka.brokers : way === 'tls' ? brokers : hostOf(way),
      KAFKA_SECURITY_PROTOCOL: way === 'tls' ? 'sasl_ssl' : 'sasl_plaintext',
      KAFKA_SASL_MECHANISM: 'PLAIN',
      KAFKA_SASL_USERNAME: USER,
      KAFKA_SASL_PASSWORD: password,
    }),
    tokens: (way, secret) => ({
      KAFKA_BROKERS: brokers,
      KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_OAUTH_TOKEN_URL: `http://127.0.0.1:${way === 'garbage' ? echo.port : refusing}/token`,
      KAFKA_OAUTH_CLIENT_ID: USER,
      KAFKA_OAUTH_CLIENT_SECRET: secret,
    }),
    collector: (way) => `${schemeOf(way)}://${httpHostOf(way)}`,
    sink: (way, secret) => {
      const [scheme, host] = [schemeOf(way), httpHostOf(way)];
      return `${scheme}://user:${encodeURIComponent(secret)}@${host}/${encodeURIComponent(secret)}`;
    },
    async close() {
      await Promise.all([echo, closing, postgres, redis, kafka].map((one) => one.close()));
    },
  };

  function postgresUrl(way: Way, password: string): string {
    const spelt = encodeURIComponent(password);
    if (way === 'password') return withPassword(postgres.url, spelt);
    if (way === 'tls') return `${withUser(shared, spelt)}?sslmode=require`;
    return `postgres://adtally:${spelt}@${hostOf(way)}/adtally`;
  }

  function redisUrl(way: Way, password: string): string {
    const spelt = encodeURIComponent(password);
    if (way === 'password') return redis.url.replace(/:[^:@]*@/, `:${spelt}@`);
    if (way === 'tls') return redis.url.replace(/^redis:.*@/, `rediss://:${spelt}@`);
    return `redis://:${spelt}@${hostOf(way)}`;
  }
}

function withPassword(url: string, spelt: string): string {
  return url.replace(/password=[^&]*/, `password=${spelt}`);
}

function withUser(url: string, spelt: string): string {
  return url.replace(/\/\/([^@:/]*)[^@/]*@/, `//$1:${spelt}@`);
}

async function listener(serve: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
