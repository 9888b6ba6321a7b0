import { reveal, type Secret } from '@adtally/config';

/** How to reach a Kafka cluster; `security` holds librdkafka properties (TLS, SASL). */
export interface KafkaSettings {
  readonly brokers: string;
  readonly clientId: string;
  readonly security: Readonly<Record<string, string | Secret>>;
  /** Where this process stands, as brokers name racks: a follower that stands there is read from. */
  readonly rack?: string | undefined;
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
  };
}
