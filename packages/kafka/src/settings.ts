/** How to reach a Kafka cluster; `security` holds librdkafka properties (TLS, SASL). */
export interface KafkaSettings {
  readonly brokers: string;
  readonly clientId: string;
  readonly security: Readonly<Record<string, string>>;
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
