import { ensureKafkaJars } from '@adtally/local-stack';
import { kafkaCluster, selfSigned, setScramPassword, tokenIssuer } from '@adtally/testkit';
import { started, type Subject, type Variables, type Way, wayOf } from './subject.ts';
import { temporaryFile } from './temporary-file.ts';

/** The newest of each minor version that Maven Central has. */
const VERSIONS = ['3.9.2', '4.0.2', '4.1.2', '4.2.2', '4.3.1', '4.4.0'] as const;

const USER = 'adtally';
const PASSWORD = 'of-the-matrix';
/** Several lives in a demo. */
const TOKEN_SECONDS = 20;

/** How clients connect to this version: over TLS with a password, or with tokens that expire while the demo runs. */
const WAYS: Readonly<Record<string, Way<string>>> = {
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
    return started((stack) => wayOf(WAYS, way)(version, stack));
  },
};

/** The brokers' certificate is their own authority. */
function trusting(certificate: string, stack: AsyncDisposableStack): Variables {
  const file = temporaryFile('ca.pem', certificate, stack);
  return { KAFKA_SECURITY_PROTOCOL: 'sasl_ssl', KAFKA_SSL_CA_FILE: file };
}
