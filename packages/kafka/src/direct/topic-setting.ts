import { apiVersionsV3, Connection, describeConfigsV4 } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { connectionOptions } from './connection-options.ts';

const CLIENT_NAME = 'adtally';
const CLIENT_VERSION = '1';
const TOPIC_RESOURCE = 2 as const;
const DESCRIBE_CONFIGS = { key: 32, version: 4 } as const;

/**
 * What a topic has for a setting, its own or the cluster's. The native client cannot ask for it. Null where no
 * broker tells: one before Kafka 2.8, or one that does not let us (DescribeConfigs on the topic).
 */
export async function topicSetting(
  settings: KafkaSettings,
  topic: string,
  name: string,
): Promise<string | null> {
  const asked = settings.brokers.split(',').map((broker) => ask(settings, broker, topic, name));
  return await Promise.any(asked).catch(() => null);
}

async function ask(
  settings: KafkaSettings,
  broker: string,
  topic: string,
  name: string,
): Promise<string | null> {
  const colon = broker.lastIndexOf(':');
  const host = broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  const connection = new Connection(settings.clientId, connectionOptions(settings, host));
  // Without a listener an error of the socket would end the process.
  connection.on('error', () => undefined);
  try {
    await connection.connect(host, Number(broker.slice(colon + 1)));
    const { apiKeys } = await apiVersionsV3.api.async(connection, CLIENT_NAME, CLIENT_VERSION);
    const spoken = apiKeys.find(({ apiKey }) => apiKey === DESCRIBE_CONFIGS.key);
    if ((spoken?.maxVersion ?? 0) < DESCRIBE_CONFIGS.version) return null;
    const resource = {
      resourceType: TOPIC_RESOURCE,
      resourceName: topic,
      configurationKeys: [name],
    };
    const { results } = await describeConfigsV4.api.async(connection, [resource], false, false);
    return results[0]?.configs.find((one) => one.name === name)?.value ?? null;
  } finally {
    connection.close().catch(() => undefined);
  }
}
