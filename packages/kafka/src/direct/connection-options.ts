import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { reveal } from '@adtally/config';
import type { ConnectionOptions, SASLOptions } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that is asked for records answers within a fraction of a second; one that is frozen never does. */
const REQUEST_TIMEOUT_MS = 10_000;

const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const;

/** Settings that the native client may take, and a connection of ours does not. */
export class SettingNotSupported extends Error {
  override readonly name = 'SettingNotSupported';
}

/**
 * The settings of the native client, as a connection of ours to this host takes them. Files and secrets are read now.
 *
 * @throws SettingNotSupported
 */
export function connectionOptions(settings: KafkaSettings, host: string): ConnectionOptions {
  const { security } = settings;
  const protocol = text(security, 'security.protocol') ?? 'plaintext';
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(protocol.endsWith('ssl') && { tls: tlsOptions(security), tlsServerName: isIP(host) === 0 }),
    ...(protocol.startsWith('sasl') && { sasl: saslOptions(settings) }),
  };
}

/** @throws SettingNotSupported */
export function requireSupported(settings: KafkaSettings): void {
  if (text(settings.security, 'security.protocol')?.startsWith('sasl')) saslOptions(settings);
}

/** What changes while the process runs, a password or a token, is asked for at each connection. */
function saslOptions({ security, tokens }: KafkaSettings): SASLOptions {
  const mechanism = saslMechanism(text(security, 'sasl.mechanism'));
  if (mechanism !== 'OAUTHBEARER') {
    return {
      mechanism,
      username: text(security, 'sasl.username') ?? '',
      password: () => text(security, 'sasl.password') ?? '',
    };
  }
  if (tokens === undefined) throw new SettingNotSupported('SASL OAUTHBEARER without any tokens');
  return {
    mechanism,
    token: async () => (await tokens.current()).value,
    oauthBearerExtensions: { ...tokens.extensions },
    authBytesValidator: requireTaken,
  };
}

type Validated = Parameters<NonNullable<SASLOptions['authBytesValidator']>>[1];

/** A token that the broker does not take is answered like one that it does, with words (RFC 7628, section 3.2.2). */
function requireTaken(answer: Buffer, done: Validated): void {
  if (answer.length === 0) done(null, answer);
  else
    done(new Error(`SASL OAUTHBEARER: the broker does not take the token: ${answer.toString()}`));
}

function saslMechanism(given: string | undefined): (typeof SASL_MECHANISMS)[number] {
  const mechanism = SASL_MECHANISMS.find((one) => one === given);
  if (mechanism !== undefined) return mechanism;
  throw new SettingNotSupported(
    `SASL mechanism ${given ?? 'none'} is not supported by the direct reader: ${SASL_MECHANISMS.join(', ')} are`,
  );
}

function tlsOptions(security: KafkaSettings['security']): NonNullable<ConnectionOptions['tls']> {
  return {
    // As the native client trusts, where no file is named: whom the machine does.
    ca: getCACertificates('system'),
    ...fileOption(security, 'ca', 'ssl.ca.location'),
    ...fileOption(security, 'cert', 'ssl.certificate.location'),
    ...fileOption(security, 'key', 'ssl.key.location'),
  };
}

function fileOption(
  security: KafkaSettings['security'],
  option: 'ca' | 'cert' | 'key',
  property: string,
): { [name in typeof option]?: Buffer } {
  const path = text(security, property);
  return path === undefined ? {} : { [option]: readFileSync(path) };
}

function text(security: KafkaSettings['security'], property: string): string | undefined {
  const value = security[property];
  return value === undefined ? undefined : reveal(value);
}
