import { resolveTopics } from '@adtally/event-schema';
import { kafkaSettingsFromEnv, type KafkaSettings } from '@adtally/kafka';
import { ConfigError, durationMs, int, loadEnv, type ConfigOf } from '@adtally/config';
import { WRITER_ENV } from '@adtally/db';
import { RECORD_ENV } from '@adtally/pipeline/env';
import type { RunnerConfig } from './env.ts';

/** What `replay` alone reads: a record must be judged as the consumer judges it. */
const SCHEMA = {
  batchMaxEvents: int('BATCH_MAX_EVENTS', { default: 5_000, min: 1, max: 50_000 }),
  ...RECORD_ENV,
  ...WRITER_ENV,
  transientAttempts: int('TRANSIENT_ATTEMPTS', { default: 5, min: 1, max: 1_000 }),
  transientBudgetMs: durationMs('TRANSIENT_BUDGET_MS', { default: 60_000, min: 0, max: 3_600_000 }),
} as const;

export interface ReplayConfig extends ConfigOf<typeof SCHEMA> {
  readonly databaseUrl: string;
  readonly lagMaxRecords: number;
  readonly eventsTopic: string;
  readonly kafka: KafkaSettings;
}

/** Reads and checks what `replay` needs beside the rest; throws ConfigError with all that is wrong. */
export function readReplayConfig({ env, databaseUrl, lagMaxRecords }: RunnerConfig): ReplayConfig {
  const problems: string[] = [];
  const collect = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      problems.push(
        ...(error instanceof ConfigError ? error.problems : [(error as Error).message]),
      );
      return null;
    }
  };
  const config = collect(() => loadEnv(SCHEMA, env));
  const topics = collect(() => resolveTopics(env));
  const kafka = kafkaSettingsFromEnv(env);
  if ('problems' in kafka) problems.push(...kafka.problems);
  if (config === null || topics === null || 'problems' in kafka) throw new ConfigError(problems);
  const eventsTopic = topics.events.name;
  return { ...config, databaseUrl, lagMaxRecords, eventsTopic, kafka: kafka.settings };
}
