import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKafkaJars } from '@adtally/local-stack';
import { kafkaCluster, selfSigned, setScramPassword, tokenIssuer } from '@adtally/testkit';
import type { Subject } from './subject.ts';

/** The newest of each minor version that Maven Central has. */
const VERSIONS = ['3.9.2', '4.0.2', '4.1.2', '4.2.2', '4.3.1', '4.4.0'] as const;

const USER = 'adtally';
const PASSWORD = 'of-the-matrix';
/** Several lives in a demo. */
const TOKEN_SECONDS = 20;

type Variables = Readonly<Record<string, string>>;

/** What is open, closed in reverse also where the next step fails. */
type Stack = AsyncDisposableStack;

/** How clients connect: over TLS with a password, or with tokens that expire while the demo runs. */
const WAYS: Readonly<Record<string, (version: string, stack: Stack) => Promise<Variables>>> = {
  plaintext: async (version, stack) => {
    const { brokers } = stack.use(await kafkaCluster({ version }));
    return { KAFKA_BROKERS: brokers };
  },
  'tls-scram': async (version, stack) => {
    const tls = selfSigned();
    const cluster = stack.use(await kafkaCluster({ version, tls, users: {} }));
    await setScramPassword(cluster, USER, PASSWORD);
    return {
      ...trusting(tls.cert, stack),
      KAFKA_BROKERS: cluster.brokers,
      KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
      KAFKA_SASL_USERNAME: USER,
      KAFKA_SASL_PASSWORD: PASSWORD,
    };
  },
  'tls-tokens': async (version, stack) => {
    const tls = selfSigned();
    const issuer = await tokenIssuer({ [USER]: PASSWORD });
    stack.defer(() => issuer.close());
    issuer.lifeSeconds = TOKEN_SECONDS;
    const cluster = stack.use(await kafkaCluster({ version, tls, tokenKeys: issuer.keys }));
    return {
      ...trusting(tls.cert, stack),
      KAFKA_BROKERS: cluster.brokers,
      KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      KAFKA_OAUTH_TOKEN_URL: issuer.url,
      KAFKA_OAUTH_CLIENT_ID: USER,
      KAFKA_OAUTH_CLIENT_SECRET: PASSWORD,
    };
  },
};

export const KAFKA: Subject = {
  title: 'Kafka',
  versions: VERSIONS,
  ways: Object.keys(WAYS),
  start: async (version, way, report) => {
    await ensureKafkaJars(report, version);
    const start = WAYS[way];
    if (start === undefined) throw new Error(`there is no way ${way}`);
    await using stack = new AsyncDisposableStack();
    const env = await start(version, stack);
    const open = stack.move();
    return { env, close: () => open.disposeAsync() };
  },
};

/** The brokers' certificate is their own authority. */
function trusting(certificate: string, stack: Stack): Variables {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-matrix-'));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, certificate);
  return { KAFKA_SECURITY_PROTOCOL: 'sasl_ssl', KAFKA_SSL_CA_FILE: file };
}
