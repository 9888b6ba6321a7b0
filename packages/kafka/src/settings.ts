import { accessSync, constants } from 'node:fs';

/** How to reach a Kafka cluster; `security` holds librdkafka properties (TLS, SASL). */
export interface KafkaSettings {
  readonly brokers: string;
  readonly clientId: string;
  readonly security: Readonly<Record<string, string>>;
}

export type KafkaSettingsResult = { settings: KafkaSettings } | { problems: string[] };

type Env = Readonly<Record<string, string | undefined>>;

const DEFAULT_CLIENT_ID = 'adtally';
const PROTOCOLS = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'];
const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];
const MAX_PORT = 65_535;
// host, IPv4 or [IPv6], then a port
const BROKER = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

const SSL_FILES = {
  KAFKA_SSL_CA_FILE: 'ssl.ca.location',
  KAFKA_SSL_CERT_FILE: 'ssl.certificate.location',
  KAFKA_SSL_KEY_FILE: 'ssl.key.location',
} as const;

/**
 * Reads the Kafka part of an environment. Reports every problem at once and never repeats a secret.
 *
 * Variables: KAFKA_BROKERS (`host:port,...`), KAFKA_CLIENT_ID, KAFKA_SECURITY_PROTOCOL (plaintext, ssl,
 * sasl_plaintext, sasl_ssl), KAFKA_SSL_CA_FILE, KAFKA_SSL_CERT_FILE, KAFKA_SSL_KEY_FILE,
 * KAFKA_SASL_MECHANISM (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD.
 */
export function kafkaSettingsFromEnv(env: Env): KafkaSettingsResult {
  const problems: string[] = [];
  const brokers = readBrokers(env, problems);
  const protocol = readProtocol(env, problems);
  const security = {
    'security.protocol': protocol,
    ...readTls(env, protocol, problems),
    ...readSasl(env, protocol, problems),
  };
  if (problems.length > 0) return { problems };
  return {
    settings: { brokers, clientId: given(env, 'KAFKA_CLIENT_ID') ?? DEFAULT_CLIENT_ID, security },
  };
}

function given(env: Env, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === undefined || value === '' ? undefined : value;
}

function readBrokers(env: Env, problems: string[]): string {
  const text = given(env, 'KAFKA_BROKERS');
  if (text === undefined) {
    problems.push('KAFKA_BROKERS is required: host:port, more of them separated by commas');
    return '';
  }
  const brokers = text.split(',').map((broker) => broker.trim());
  for (const broker of brokers) {
    const port = Number(BROKER.exec(broker)?.[2] ?? 0);
    if (port < 1 || port > MAX_PORT) problems.push(`KAFKA_BROKERS: "${broker}" is not host:port`);
  }
  return brokers.join(',');
}

function readProtocol(env: Env, problems: string[]): string {
  const protocol = (given(env, 'KAFKA_SECURITY_PROTOCOL') ?? 'plaintext').toLowerCase();
  if (!PROTOCOLS.includes(protocol)) {
    problems.push(`KAFKA_SECURITY_PROTOCOL: "${protocol}" is none of ${PROTOCOLS.join(', ')}`);
  }
  return protocol;
}

function readTls(env: Env, protocol: string, problems: string[]): Record<string, string> {
  const security: Record<string, string> = {};
  for (const [name, property] of Object.entries(SSL_FILES)) {
    const file = given(env, name);
    if (file === undefined) continue;
    if (!protocol.endsWith('ssl')) {
      problems.push(`${name} needs KAFKA_SECURITY_PROTOCOL ssl or sasl_ssl`);
    } else if (!isReadable(file)) {
      problems.push(`${name}: cannot read "${file}"`);
    }
    security[property] = file;
  }
  const cert = given(env, 'KAFKA_SSL_CERT_FILE');
  const key = given(env, 'KAFKA_SSL_KEY_FILE');
  if ((cert === undefined) !== (key === undefined)) {
    problems.push('KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE go together');
  }
  return security;
}

function readSasl(env: Env, protocol: string, problems: string[]): Record<string, string> {
  const mechanism = given(env, 'KAFKA_SASL_MECHANISM')?.toUpperCase();
  const username = given(env, 'KAFKA_SASL_USERNAME');
  // A password may begin or end with a blank.
  const password = env['KAFKA_SASL_PASSWORD'] === '' ? undefined : env['KAFKA_SASL_PASSWORD'];
  if (!protocol.startsWith('sasl')) {
    const stray = {
      KAFKA_SASL_MECHANISM: mechanism,
      KAFKA_SASL_USERNAME: username,
      KAFKA_SASL_PASSWORD: password,
    };
    for (const [name, value] of Object.entries(stray)) {
      if (value !== undefined)
        problems.push(`${name} needs KAFKA_SECURITY_PROTOCOL sasl_plaintext or sasl_ssl`);
    }
    return {};
  }
  if (mechanism === undefined || !SASL_MECHANISMS.includes(mechanism)) {
    problems.push(`KAFKA_SASL_MECHANISM must be one of ${SASL_MECHANISMS.join(', ')}`);
  }
  if (username === undefined) problems.push('KAFKA_SASL_USERNAME is required');
  if (password === undefined) problems.push('KAFKA_SASL_PASSWORD is required');
  return {
    'sasl.mechanism': mechanism ?? '',
    'sasl.username': username ?? '',
    'sasl.password': password ?? '',
  };
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Properties every client of the cluster shares. */
export function commonConfig(settings: KafkaSettings): Record<string, unknown> {
  return {
    'bootstrap.servers': settings.brokers,
    'client.id': settings.clientId,
    'socket.keepalive.enable': true,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 2000,
    ...settings.security,
  };
}
