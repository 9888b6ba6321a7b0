import { accessSync, constants } from 'node:fs';
import {
  field,
  loadEnv,
  NotAllowed,
  reveal,
  secret,
  text,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import type { KafkaSettings } from '../settings.ts';

const PROTOCOLS = ['plaintext', 'ssl', 'sasl_plaintext', 'sasl_ssl'] as const;
const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
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
  kafkaSaslMechanism: word('KAFKA_SASL_MECHANISM', SASL_MECHANISMS, {
    default: '',
    meaning: words(SASL_MECHANISMS),
  }),
  kafkaSaslUsername: text('KAFKA_SASL_USERNAME', {
    default: '',
    trim: true,
    meaning: 'with the two `sasl_` protocols',
  }),
  // A password may begin or end with a blank.
  kafkaSaslPassword: secret(
    text('KAFKA_SASL_PASSWORD', {
      default: '',
      hidden: true,
      meaning: 'with the two `sasl_` protocols',
    }),
  ),
} as const;

export type KafkaConfig = ConfigOf<typeof KAFKA_ENV>;

const SSL_FILES = {
  kafkaCaFile: ['KAFKA_SSL_CA_FILE', 'ssl.ca.location'],
  kafkaCertFile: ['KAFKA_SSL_CERT_FILE', 'ssl.certificate.location'],
  kafkaKeyFile: ['KAFKA_SSL_KEY_FILE', 'ssl.key.location'],
} as const;

const SASL_VARIABLES = {
  kafkaSaslMechanism: 'KAFKA_SASL_MECHANISM',
  kafkaSaslUsername: 'KAFKA_SASL_USERNAME',
  kafkaSaslPassword: 'KAFKA_SASL_PASSWORD',
} as const;

type SslKey = keyof typeof SSL_FILES;
type SaslKey = keyof typeof SASL_VARIABLES;
const SSL_KEYS = Object.keys(SSL_FILES) as SslKey[];
const SASL_KEYS = Object.keys(SASL_VARIABLES) as SaslKey[];

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
  ...SASL_KEYS.map((key) => ({
    of: ['kafkaProtocol', key] as const,
    problem: (config: KafkaConfig) => saslProblem(key, config),
  })),
];

/** As the clients of this package take them. */
export function kafkaSettings(config: KafkaConfig): KafkaSettings {
  const files = SSL_KEYS.filter((key) => config[key] !== '');
  return {
    brokers: config.kafkaBrokers,
    clientId: config.kafkaClientId,
    ...(config.kafkaClientRack === '' ? {} : { rack: config.kafkaClientRack }),
    security: {
      'security.protocol': config.kafkaProtocol,
      ...Object.fromEntries(files.map((key) => [SSL_FILES[key][1], config[key]])),
      ...(config.kafkaProtocol.startsWith('sasl') && {
        'sasl.mechanism': config.kafkaSaslMechanism,
        'sasl.username': config.kafkaSaslUsername,
        'sasl.password': config.kafkaSaslPassword,
      }),
    },
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

/** One of the words in any case; '' where that is the default. */
function word<const T extends string, D extends T | ''>(
  variable: string,
  allowed: readonly T[],
  options: { default: D; meaning: string },
) {
  return field<T | D>(variable, {
    allowed: `one of ${allowed.join(', ')}`,
    meaning: options.meaning,
    defaultText: options.default,
    trim: true,
    parse: (value) =>
      value === options.default
        ? options.default
        : allowed.find((candidate) => candidate.toLowerCase() === value.toLowerCase()),
  });
}

function words(allowed: readonly string[]): string {
  return allowed.map((one) => `\`${one}\``).join(' ');
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

function saslProblem(key: SaslKey, config: KafkaConfig): string | undefined {
  const variable = SASL_VARIABLES[key];
  const isSet = reveal(config[key]) !== '';
  if (!config.kafkaProtocol.startsWith('sasl')) {
    return isSet
      ? `${variable} needs KAFKA_SECURITY_PROTOCOL sasl_plaintext or sasl_ssl`
      : undefined;
  }
  if (isSet) return undefined;
  return key === 'kafkaSaslMechanism'
    ? `${variable} must be one of ${SASL_MECHANISMS.join(', ')}`
    : `${variable} is required`;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}
