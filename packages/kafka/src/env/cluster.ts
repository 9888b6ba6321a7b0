import { accessSync, constants } from 'node:fs';
import {
  field,
  loadEnv,
  NotAllowed,
  text,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import type { KafkaSettings } from '../settings.ts';
import { SASL_ENV, SASL_RULES, saslSettings } from './sasl.ts';
import { word, words } from './words.ts';

const PROTOCOLS = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'] as const;
const MAX_PORT = 65_535;
// host, IPv4 or [IPv6], then a port
const BROKER = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

/** How to reach a Kafka cluster. */
export const KAFKA_ENV = {
  kafkaBrokers: field<string>('KAFKA_BROKERS', {
    allowed: 'host:port, more of them separated by commas',
    meaning: '`host:port,...`',
    defaultText: undefined,
    trim: true,
    parse: parseBrokers,
  }),
  kafkaClientId: text('KAFKA_CLIENT_ID', {
    default: 'adtally',
    trim: true,
    meaning: 'shown in broker logs',
  }),
  kafkaClientRack: text('KAFKA_CLIENT_RACK', {
    default: '',
    trim: true,
    meaning:
      'as `broker.rack` names racks or zones: a follower that stands there is read from, where brokers choose by racks',
  }),
  kafkaProtocol: word('KAFKA_SECURITY_PROTOCOL', PROTOCOLS, {
    default: 'plaintext',
    meaning: words(PROTOCOLS),
  }),
  kafkaCaFile: file('KAFKA_SSL_CA_FILE', 'PEM file'),
  kafkaCertFile: file('KAFKA_SSL_CERT_FILE', 'client certificate, with its key or not at all'),
  kafkaKeyFile: file('KAFKA_SSL_KEY_FILE', 'key of the client certificate'),
  ...SASL_ENV,
} as const;

export type KafkaConfig = ConfigOf<typeof KAFKA_ENV>;

const SSL_FILES = {
  kafkaCaFile: ['KAFKA_SSL_CA_FILE', 'ssl.ca.location'],
  kafkaCertFile: ['KAFKA_SSL_CERT_FILE', 'ssl.certificate.location'],
  kafkaKeyFile: ['KAFKA_SSL_KEY_FILE', 'ssl.key.location'],
} as const;

type SslKey = keyof typeof SSL_FILES;
const SSL_KEYS = Object.keys(SSL_FILES) as SslKey[];

/** What goes together: files with TLS, credentials with SASL, a certificate with its key. */
export const KAFKA_RULES: readonly Rule<KafkaConfig>[] = [
  ...SSL_KEYS.map((key) => ({
    of: ['kafkaProtocol', key] as const,
    problem: (config: KafkaConfig) => sslFileProblem(key, config),
  })),
  {
    of: ['kafkaCertFile', 'kafkaKeyFile'],
    problem: ({ kafkaCertFile, kafkaKeyFile }) =>
      (kafkaCertFile === '') !== (kafkaKeyFile === '')
        ? 'KAFKA_SSL_CERT_FILE and KAFKA_SSL_KEY_FILE go together'
        : undefined,
  },
  ...SASL_RULES,
];

/** As the clients of this package take them. */
export function kafkaSettings(config: KafkaConfig): KafkaSettings {
  const files = SSL_KEYS.filter((key) => config[key] !== '');
  const { security, tokens } = saslSettings(config);
  return {
    brokers: config.kafkaBrokers,
    clientId: config.kafkaClientId,
    ...(config.kafkaClientRack === '' ? {} : { rack: config.kafkaClientRack }),
    security: {
      'security.protocol': config.kafkaProtocol,
      ...Object.fromEntries(files.map((key) => [SSL_FILES[key][1], config[key]])),
      ...security,
    },
    ...(tokens === undefined ? {} : { tokens }),
  };
}

/** For a program that reads nothing else; throws ConfigError with all problems. */
export function readKafkaSettings(env: Env): KafkaSettings {
  return kafkaSettings(loadEnv(KAFKA_ENV, env, KAFKA_RULES));
}

function parseBrokers(list: string): string | NotAllowed {
  const brokers = list.split(',').map((broker) => broker.trim());
  const wrong = brokers.filter((broker) => {
    const port = Number(BROKER.exec(broker)?.[2] ?? 0);
    return port < 1 || port > MAX_PORT;
  });
  if (wrong.length === 0) return brokers.join(',');
  return new NotAllowed(wrong.map((broker) => `KAFKA_BROKERS: "${broker}" is not host:port`));
}

function file(variable: string, meaning: string) {
  return text(variable, { default: '', trim: true, meaning });
}

function sslFileProblem(key: SslKey, config: KafkaConfig): string | undefined {
  const path = config[key];
  const [variable] = SSL_FILES[key];
  if (path === '') return undefined;
  if (!config.kafkaProtocol.endsWith('ssl')) {
    return `${variable} needs KAFKA_SECURITY_PROTOCOL ssl or sasl_ssl`;
  }
  return isReadable(path) ? undefined : `${variable}: cannot read "${path}"`;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
