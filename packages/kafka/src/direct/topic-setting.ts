import { describeConfigsV4 } from '@platformatic/kafka';
import type { KafkaSettings } from '../settings.ts';
import { drop, openAny } from './open-connection.ts';

const TOPIC_RESOURCE = 2 as const;
const DESCRIBE_CONFIGS = { key: 32, version: 4 } as const;

/**
 * What a topic has for a setting, its own or the cluster's. The native client cannot ask for it. Null where the
 * broker does not tell: one before Kafka 2.8, or one that does not let us (DescribeConfigs on the topic).
 */
export async function topicSetting(
  settings: KafkaSettings,
  topic: string,
  name: string,
): Promise<string | null> {
  try {
    return await ask(settings, topic, name);
  } catch {
    return null;
  }
}

async function ask(settings: KafkaSettings, topic: string, name: string): Promise<string | null> {
  const { connection, newestOf } = await openAny(settings);
  try {
    if (newestOf(DESCRIBE_CONFIGS.key) < DESCRIBE_CONFIGS.version) return null;
    const resource = {
      resourceType: TOPIC_RESOURCE,
      resourceName: topic,
      configurationKeys: [name],
    };
    const { results } = await describeConfigsV4.api.async(connection, [resource], false, false);
    return results[0]?.configs.find((one) => one.name === name)?.value ?? null;
  } finally {
    drop(connection);
  }
}
