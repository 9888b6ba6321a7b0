import { readFileSync } from 'node:fs';
import { reveal } from '@adtally/config';
import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** A broker that is asked for records answers within a fraction of a second; one that is frozen never does. */
const REQUEST_TIMEOUT_MS = 10_000;

type SaslMechanism = NonNullable<ConnectionOptions['sasl']>['mechanism'];

/** The settings of the native client, as a connection of ours takes them. Files and secrets are read now. */
export function connectionOptions({ security }: KafkaSettings): ConnectionOptions {
  const protocol = text(security, 'security.protocol') ?? 'plaintext';
  return {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    ...(protocol.endsWith('ssl') && { tls: tlsOptions(security), tlsServerName: true }),
    ...(protocol.startsWith('sasl') && {
      sasl: {
        mechanism: (text(security, 'sasl.mechanism') ?? 'PLAIN') as SaslMechanism,
        username: text(security, 'sasl.username') ?? '',
        // Asked for at each connection: a password may have been changed.
        password: () => text(security, 'sasl.password') ?? '',
      },
    }),
  };
}

function tlsOptions(security: KafkaSettings['security']): NonNullable<ConnectionOptions['tls']> {
  return {
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
