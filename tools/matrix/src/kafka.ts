import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureKafkaJars } from '@adtally/local-stack';
import { kafkaCluster, selfSigned, setScramPassword, tokenIssuer } from '@adtally/testkit';
import type { StartedServer, Subject } from './subject.ts';

/** The newest of each minor version that Maven Central has. */
const VERSIONS = ['3.9.2', '4.0.2', '4.1.2', '4.2.2', '4.3.1', '4.4.0'] as const;

const USER = 'adtally';
const PASSWORD = 'of-the-matrix';

/** How clients connect: over TLS with a password, or with tokens that expire while the demo runs. */
const WAYS: Readonly<Record<string, (version: string) => Promise<StartedServer>>> = {
  plaintext: async (version) => {
    const cluster = await kafkaCluster({ version });
    return { env: { KAFKA_BROKERS: cluster.brokers }, close: () => cluster.close() };
  },
  'tls-scram': async (version) => {
    const tls = selfSigned();
    const ca = caFile(tls.cert);
    const cluster = await kafkaCluster({ version, tls, users: {} });
    await setScramPassword(cluster, USER, PASSWORD);
    return {
      env: {
        ...ca.env,
        KAFKA_BROKERS: cluster.brokers,
        KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256',
        KAFKA_SASL_USERNAME: USER,
        KAFKA_SASL_PASSWORD: PASSWORD,
      },
      close: async () => {
        ca.remove();
        await cluster.close();
      },
    };
  },
  'tls-tokens': async (version) => {
    const tls = selfSigned();
    const ca = caFile(tls.cert);
    const issuer = await tokenIssuer({ [USER]: PASSWORD });
    issuer.lifeSeconds = 20;
    const cluster = await kafkaCluster({ version, tls, tokenKeys: issuer.keys });
    return {
      env: {
        ...ca.env,
        KAFKA_BROKERS: cluster.brokers,
        KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        KAFKA_OAUTH_TOKEN_URL: issuer.url,
        KAFKA_OAUTH_CLIENT_ID: USER,
        KAFKA_OAUTH_CLIENT_SECRET: PASSWORD,
      },
      close: async () => {
        ca.remove();
        await Promise.all([cluster.close(), issuer.close()]);
      },
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
    return await start(version);
  },
};

/** The authority that the brokers' certificate is by, as the services are told of it. */
function caFile(certificate: string) {
  const folder = mkdtempSync(join(tmpdir(), 'adtally-matrix-'));
  const file = join(folder, 'ca.pem');
  writeFileSync(file, certificate);
  return {
    env: { KAFKA_SECURITY_PROTOCOL: 'sasl_ssl', KAFKA_SSL_CA_FILE: file },
    remove: () => rmSync(folder, { recursive: true }),
  };
}
