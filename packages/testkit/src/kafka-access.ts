import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerSettings } from '@adtally/native-servers';

/** Who may come by the clients' listener. Without any of it, everybody, plain. */
export interface ClientAccess {
  /**
   * Names and passwords for SASL PLAIN; the listener is then SASL_PLAINTEXT and asks for one of them. A password that
   * changes while the broker runs is a SCRAM one, set by `setScramPassword`.
   */
  readonly users?: Readonly<Record<string, string>>;
  /** The keys (JWKS, JSON) of who signs the tokens that it takes for SASL OAUTHBEARER; see `tokenIssuer`. */
  readonly tokenKeys?: string;
  /** The listener speaks TLS with this certificate, PEM; `clients` is the one that it asks a client for. */
  readonly tls?: {
    readonly key: string;
    readonly cert: string;
    readonly clients?: string;
  };
  /** True: a user may do nothing but what an ACL allows. The internal listener may everything. */
  readonly acls?: boolean;
}

/** The internal and the controllers' listener have no names for who comes. */
const INTERNAL_PRINCIPAL = 'User:ANONYMOUS';
const PLAIN_MODULE = 'org.apache.kafka.common.security.plain.PlainLoginModule';
const OAUTH_PACKAGE = 'org.apache.kafka.common.security.oauthbearer';
const SCRAM_MODULE = 'org.apache.kafka.common.security.scram.ScramLoginModule';

/** The lines of server.properties that make it so; what they name is written into the folder. */
export function accessSettings(
  { users, acls, tls, tokenKeys }: ClientAccess,
  folder: string,
): BrokerSettings {
  const isSasl = users !== undefined || tokenKeys !== undefined;
  const protocol = `${isSasl ? 'SASL_' : ''}${tls === undefined ? 'PLAINTEXT' : 'SSL'}`;
  return {
    'listener.security.protocol.map': `INTERNAL:PLAINTEXT,CLIENT:${protocol},CONTROLLER:PLAINTEXT`,
    ...(isSasl ? sasl(users ?? {}) : {}),
    ...(tokenKeys === undefined ? {} : tokenSettings(tokenKeys, folder)),
    ...(tls === undefined ? {} : tlsSettings(tls, folder)),
    ...(acls === true ? AUTHORIZER : {}),
  };
}

function tlsSettings(
  { key, cert, clients }: NonNullable<ClientAccess['tls']>,
  folder: string,
): BrokerSettings {
  const [keystore, truststore] = [join(folder, 'broker.pem'), join(folder, 'clients.pem')];
  writeFileSync(keystore, `${key}${cert}`);
  writeFileSync(truststore, clients ?? cert);
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': keystore,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': truststore,
    'listener.name.client.ssl.client.auth': clients === undefined ? 'none' : 'required',
  };
}

/** By whom the tokens are and for whom: since 4.4 Kafka asks for both. */
export const TOKEN_CLAIMS = { iss: 'https://issuer.invalid', aud: 'kafka' } as const;

/** Where a broker finds the keys of who signs tokens; it reads a file only where its JVM is told that it may. */
export const TOKEN_KEYS_URL = 'sasl.oauthbearer.jwks.endpoint.url';

function tokenSettings(tokenKeys: string, folder: string): BrokerSettings {
  const keys = join(folder, 'token-keys.json');
  writeFileSync(keys, tokenKeys);
  const mechanism = 'listener.name.client.oauthbearer';
  return {
    'listener.name.client.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,OAUTHBEARER',
    [`${mechanism}.sasl.jaas.config`]: `${OAUTH_PACKAGE}.OAuthBearerLoginModule required;`,
    [`${mechanism}.sasl.server.callback.handler.class`]: `${OAUTH_PACKAGE}.OAuthBearerValidatorCallbackHandler`,
    // A connection lives no longer than the token it was made with.
    [`${mechanism}.connections.max.reauth.ms`]: '3600000',
    [TOKEN_KEYS_URL]: `file://${keys}`,
    'sasl.oauthbearer.expected.audience': TOKEN_CLAIMS.aud,
    'sasl.oauthbearer.expected.issuer': TOKEN_CLAIMS.iss,
  };
}

const AUTHORIZER: BrokerSettings = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': INTERNAL_PRINCIPAL,
  'allow.everyone.if.no.acl.found': 'false',
};

function sasl(users: Readonly<Record<string, string>>): BrokerSettings {
  const entries = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`);
  return {
    'listener.name.client.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.client.plain.sasl.jaas.config': `${[PLAIN_MODULE, 'required', ...entries].join(' ')};`,
    'listener.name.client.scram-sha-256.sasl.jaas.config': `${SCRAM_MODULE} required;`,
  };
}
