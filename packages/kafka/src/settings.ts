import { reveal, type Secret } from '@adtally/config';
import type { TokenSource } from './oauth/token-source.ts';

/** How to reach a Kafka cluster; `security` holds librdkafka properties (TLS, SASL). */
export interface KafkaSettings {
  readonly brokers: string;
  readonly clientId: string;
  readonly security: Readonly<Record<string, string | Secret>>;
  /** Where this process stands, as brokers name racks: a follower that stands there is read from. */
  readonly rack?: string | undefined;
  /** Where `sasl.mechanism` is OAUTHBEARER: who gives the tokens, to every client of the process. */
  readonly tokens?: TokenSource | undefined;
}

/** The files (PEM) whose certificates the clients of the cluster go by: whom they trust, and their own. */
export function kafkaCertificateFiles({
  security,
}: KafkaSettings): { role: 'ca' | 'client'; path: string }[] {
  const file = (role: 'ca' | 'client', path: string | Secret | undefined) =>
    path === undefined ? [] : [{ role, path: reveal(path) }];
  return [
    ...file('ca', security['ssl.ca.location']),
    ...file('client', security['ssl.certificate.location']),
  ];
}

/** Properties every client of the cluster shares, secrets as they are now. */
export function commonConfig(settings: KafkaSettings): Record<string, unknown> {
  return {
    'bootstrap.servers': settings.brokers,
    'client.id': settings.clientId,
    'socket.keepalive.enable': true,
    // What the client knows of a connection that does not come about it says only then.
    'socket.connection.setup.timeout.ms': 10_000,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 2000,
    ...Object.fromEntries(
      Object.entries(settings.security).map(([name, value]) => [name, reveal(value)]),
    ),
    ...(settings.tokens === undefined ? {} : tokenCallback(settings.tokens)),
  };
}

type GiveToken = (error: unknown, token?: object) => void;

/** The client asks for a token when it has none, and again at 80 % of the life of the one it has. */
function tokenCallback(tokens: TokenSource): Record<string, unknown> {
  return {
    oauthbearer_token_refresh_cb: (_config: string, give: GiveToken) => {
      tokens
        .current()
        .then(
          ({ value, expiresAtMs }) =>
            give(null, { tokenValue: value, lifetime: expiresAtMs, extensions: tokens.extensions }),
          // The client writes into what it is given, and others have the same one.
          (error: Error) => give(new Error(error.message, { cause: error })),
        )
        // A client that was closed meanwhile takes neither.
        .catch(() => undefined);
    },
  };
}
