import type { ConnectionCheck } from '@adtally/command-line';
import { databaseCheck } from '@adtally/db';
import { brokersCheck } from '@adtally/kafka';
import { kafkaSettings } from '@adtally/kafka/env';
import type { RunnerConfig } from './env.ts';

/** The servers of this app, as `--check-connections` tries them; brokers only where they are named: replays need them. */
export function connections(config: RunnerConfig): ConnectionCheck[] {
  const { databaseUrl, eventsTopic } = config;
  if (config.kafkaBrokers === '') return [databaseCheck(databaseUrl)];
  return [
    databaseCheck(databaseUrl),
    brokersCheck(kafkaSettings(config), { topics: { [eventsTopic]: 'READ' } }),
  ];
}
