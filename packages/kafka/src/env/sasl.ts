import {
  field,
  NotAllowed,
  reveal,
  secret,
  text,
  type ConfigOf,
  type Rule,
  type Secret,
} from '@adtally/config';
import { clientCredentials } from '../oauth/client-credentials.ts';
import { mskIamTokens } from '../oauth/msk-iam.ts';
import { TokenSource } from '../oauth/token-source.ts';
import type { KafkaSettings } from '../settings.ts';
import { word, words } from './words.ts';

const MECHANISMS = [
  'PLAIN',
  'SCRAM-SHA-256',
  'SCRAM-SHA-512',
  'OAUTHBEARER',
  'AWS_MSK_IAM',
] as const;
type Mechanism = (typeof MECHANISMS)[number];

const BY_PASSWORD: readonly Mechanism[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'];
const BY_TOKEN: readonly Mechanism[] = ['OAUTHBEARER'];
const BY_AWS: readonly Mechanism[] = ['AWS_MSK_IAM'];
const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const EXTENSION = /^[A-Za-z]+$/;

/** Who this process is for the brokers. */
export const SASL_ENV = {
  kafkaSaslMechanism: word('KAFKA_SASL_MECHANISM', MECHANISMS, {
    default: '',
    meaning: words(MECHANISMS),
  }),
  kafkaSaslUsername: text('KAFKA_SASL_USERNAME', {
    default: '',
    trim: true,
    meaning: 'with `PLAIN` and the two `SCRAM`',
  }),
  // A password may begin or end with a blank.
  kafkaSaslPassword: secret(
    text('KAFKA_SASL_PASSWORD', {
      default: '',
      hidden: true,
      meaning: 'with `PLAIN` and the two `SCRAM`',
    }),
  ),
  kafkaOauthTokenUrl: field<string>('KAFKA_OAUTH_TOKEN_URL', {
    allowed: 'a URL beginning with https://, or with http:// on this machine',
    meaning: 'with `OAUTHBEARER`: where tokens are had by client credentials (RFC 6749, 4.4)',
    defaultText: '',
    trim: true,
    parse: (value) => (value === '' || isSafe(value) ? value : undefined),
  }),
  kafkaOauthClientId: text('KAFKA_OAUTH_CLIENT_ID', {
    default: '',
    trim: true,
    meaning: 'with `OAUTHBEARER`',
  }),
  kafkaOauthClientSecret: secret(
    text('KAFKA_OAUTH_CLIENT_SECRET', {
      default: '',
      hidden: true,
      meaning: 'with `OAUTHBEARER`',
    }),
  ),
  kafkaOauthScope: text('KAFKA_OAUTH_SCOPE', {
    default: '',
    trim: true,
    meaning: 'what the token is asked for; empty = what its giver thinks fit',
  }),
  kafkaOauthExtensions: field<Readonly<Record<string, string>>>('KAFKA_OAUTH_EXTENSIONS', {
    allowed: 'name=value, more of them separated by commas',
    meaning: 'told to brokers beside the token, `name=value,...`, e.g. `logicalCluster`',
    defaultText: '',
    trim: true,
    parse: parseExtensions,
    show: (value) =>
      Object.entries(value)
        .map(([name, one]) => `${name}=${one}`)
        .join(','),
  }),
  kafkaAwsRegion: text('KAFKA_AWS_REGION', {
    default: '',
    trim: true,
    meaning: "with `AWS_MSK_IAM`: the cluster's region; credentials are found as AWS's SDK does",
  }),
} as const;

/** Beside the mechanisms the protocol, which is the cluster's. */
type SaslConfig = ConfigOf<typeof SASL_ENV> & { readonly kafkaProtocol: string };
type SaslKey = Exclude<keyof typeof SASL_ENV, 'kafkaSaslMechanism'>;

interface Use {
  readonly by: readonly Mechanism[];
  readonly isRequired: boolean;
}

/** Which mechanisms take each variable. */
const USES: Readonly<Record<SaslKey, Use>> = {
  kafkaSaslUsername: { by: BY_PASSWORD, isRequired: true },
  kafkaSaslPassword: { by: BY_PASSWORD, isRequired: true },
  kafkaOauthTokenUrl: { by: BY_TOKEN, isRequired: true },
  kafkaOauthClientId: { by: BY_TOKEN, isRequired: true },
  kafkaOauthClientSecret: { by: BY_TOKEN, isRequired: true },
  kafkaOauthScope: { by: BY_TOKEN, isRequired: false },
  kafkaOauthExtensions: { by: BY_TOKEN, isRequired: false },
  kafkaAwsRegion: { by: BY_AWS, isRequired: true },
};

const NEEDS_SASL = 'needs KAFKA_SECURITY_PROTOCOL sasl_plaintext or sasl_ssl';

export const SASL_RULES: readonly Rule<SaslConfig>[] = [
  { of: ['kafkaProtocol', 'kafkaSaslMechanism'], problem: mechanismProblem },
  ...(Object.keys(USES) as SaslKey[]).map((key) => ({
    of: ['kafkaProtocol', 'kafkaSaslMechanism', key] as const,
    problem: (config: SaslConfig) => useProblem(key, config),
  })),
];

/** As the clients of this package take them; nothing where the protocol asks for nobody. */
export function saslSettings(config: SaslConfig): Pick<KafkaSettings, 'security' | 'tokens'> {
  if (!config.kafkaProtocol.startsWith('sasl')) return { security: {} };
  const { kafkaSaslMechanism: mechanism } = config;
  if (mechanism === 'OAUTHBEARER') {
    const giver = clientCredentials({
      tokenUrl: config.kafkaOauthTokenUrl,
      clientId: config.kafkaOauthClientId,
      clientSecret: config.kafkaOauthClientSecret,
      scope: config.kafkaOauthScope,
    });
    return withTokens(new TokenSource(giver, config.kafkaOauthExtensions));
  }
  if (mechanism === 'AWS_MSK_IAM') {
    return withTokens(new TokenSource(mskIamTokens(config.kafkaAwsRegion)));
  }
  return {
    security: {
      'sasl.mechanism': mechanism,
      'sasl.username': config.kafkaSaslUsername,
      'sasl.password': config.kafkaSaslPassword,
    },
  };
}

function withTokens(tokens: TokenSource): Pick<KafkaSettings, 'security' | 'tokens'> {
  return { security: { 'sasl.mechanism': 'OAUTHBEARER' }, tokens };
}

function mechanismProblem({ kafkaProtocol, kafkaSaslMechanism: mechanism }: SaslConfig) {
  const isSasl = kafkaProtocol.startsWith('sasl');
  if (mechanism === '') {
    return isSasl ? `KAFKA_SASL_MECHANISM must be one of ${MECHANISMS.join(', ')}` : undefined;
  }
  if (!isSasl) return `KAFKA_SASL_MECHANISM ${NEEDS_SASL}`;
  return mechanism === 'AWS_MSK_IAM' && kafkaProtocol !== 'sasl_ssl'
    ? 'KAFKA_SASL_MECHANISM=AWS_MSK_IAM needs KAFKA_SECURITY_PROTOCOL sasl_ssl'
    : undefined;
}

function useProblem(key: SaslKey, config: SaslConfig): string | undefined {
  const { variable } = SASL_ENV[key];
  const { by, isRequired } = USES[key];
  const mechanism = config.kafkaSaslMechanism;
  const isTaken = mechanism !== '' && by.includes(mechanism);
  if (isGiven(config[key])) {
    if (!config.kafkaProtocol.startsWith('sasl')) return `${variable} ${NEEDS_SASL}`;
    return isTaken || mechanism === ''
      ? undefined
      : `${variable} needs KAFKA_SASL_MECHANISM ${by.join(', ')}`;
  }
  return isTaken && isRequired && config.kafkaProtocol.startsWith('sasl')
    ? `${variable} is required with KAFKA_SASL_MECHANISM=${mechanism}`
    : undefined;
}

function isGiven(value: string | Secret | Readonly<Record<string, string>>): boolean {
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return reveal(value) !== '';
}

/** The secret goes there: over the network by TLS alone. */
function isSafe(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username, password } = new URL(value);
  if (username !== '' || password !== '') return false;
  return protocol === 'https:' || (protocol === 'http:' && LOOPBACK.has(hostname));
}

function parseExtensions(list: string): Readonly<Record<string, string>> | NotAllowed {
  if (list === '') return {};
  const pairs = list.split(',').map((pair) => pair.trim().split('='));
  const isPair = ([name = '', ...value]: string[]) => EXTENSION.test(name) && value.length === 1;
  if (!pairs.every(isPair)) {
    return new NotAllowed(['KAFKA_OAUTH_EXTENSIONS: give name=value, names in letters alone']);
  }
  return Object.fromEntries(pairs);
}
