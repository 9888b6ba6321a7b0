import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { getCACertificates } from 'node:tls';
import { reveal } from '@adtally/config';
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that is asked for records answers within a fraction of a second; one that is frozen never does. */
const REQUEST_TIMEOUT_MS = 10_000;

const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;

/** Settings that the native client may take, and a connection of ours does not. */
export class SettingNotSupported extends Error {
  override readonly name = 'SettingNotSupported';
}

/**
 * The settings of the native client, as a connection of ours to this host takes them. Files and secrets are read now.
 *
 * @throws SettingNotSupported
 */
export function connectionOptions({ security }: KafkaSettings, host: string): ConnectionOptions {
  const protocol = text(security, 'security.protocol') ?? 'plaintext';
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(protocol.endsWith('ssl') && { tls: tlsOptions(security), tlsServerName: isIP(host) === 0 }),
    ...(protocol.startsWith('sasl') && {
      sasl: {
        mechanism: saslMechanism(text(security, 'sasl.mechanism')),
        username: text(security, 'sasl.username') ?? '',
        // Asked for at each connection: a password may have been changed.
        password: () => text(security, 'sasl.password') ?? '',
      },
    }),
  };
}

/** @throws SettingNotSupported */
export function requireSupported({ security }: KafkaSettings): void {
  if (text(security, 'security.protocol')?.startsWith('sasl')) {
    saslMechanism(text(security, 'sasl.mechanism'));
  }
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
