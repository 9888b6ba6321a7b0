import { loadEnv, type ConfigOf, type Env } from '@adtally/config';
import { KAFKA_ENV, KAFKA_RULES, READER_ENV, TOPICS_ENV } from '@adtally/kafka/env';
import { RECORD_ENV, TOPIC_RULES_ENV } from '@adtally/pipeline/env';
import { SCHEMA_REGISTRY_ENV, SCHEMA_REGISTRY_RULES } from '@adtally/schema-registry/env';

/** Every variable of `check-producer` and `send`, which need no database: the README's table is made from it. */
export const ENV = {
  ...KAFKA_ENV,
  ...RECORD_ENV,
  // As the topic will be counted; how it is counted the database says.
  ...TOPIC_RULES_ENV,
  recordReader: READER_ENV.recordReader,
  // Where `send` puts events.
  eventsTopic: TOPICS_ENV.eventsTopic,
  ...SCHEMA_REGISTRY_ENV,
} as const;

export type ProducerCheckConfig = ConfigOf<typeof ENV>;

/** Reads and checks the environment; throws ConfigError with all that is wrong. */
export function readProducerCheckConfig(env: Env = process.env): ProducerCheckConfig {
  return loadEnv(ENV, env, [...KAFKA_RULES, ...SCHEMA_REGISTRY_RULES]);
}
