import { ConfigError } from '@adtally/config';
import type { KafkaSettings } from '@adtally/kafka';
import { KAFKA_ENV, kafkaSettings } from '@adtally/kafka/env';
import type { RunnerConfig } from './env.ts';

export interface ReplayConfig extends Pick<
  RunnerConfig,
  | 'databaseUrl'
  | 'lagMaxRecords'
  | 'eventsTopic'
  | 'batchMaxEvents'
  | 'recordMaxBytes'
  | 'jsonMaxDepth'
  | 'readAsNewest'
  | 'lockTimeoutMs'
  | 'statementTimeoutMs'
  | 'transientAttempts'
  | 'transientBudgetMs'
  | 'recordReader'
  | 'fetchBufferMaxBytes'
> {
  readonly kafka: KafkaSettings;
}

/** What `replay` needs; throws ConfigError without brokers, which no other command asks for. */
export function replayConfig(config: RunnerConfig): ReplayConfig {
  const { variable, allowed } = KAFKA_ENV.kafkaBrokers;
  if (config.kafkaBrokers === '') throw new ConfigError([`${variable} is required: ${allowed}`]);
  return { ...config, kafka: kafkaSettings(config) };
}
