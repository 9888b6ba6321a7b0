import { hostname, userInfo } from 'node:os';
import { ARCHIVE_ENV } from '@adtally/archive/env';
import {
  describeConfig,
  durationMs,
  int,
  loadEnv,
  optional,
  type ConfigOf,
  type Env,
  type Rule,
} from '@adtally/config';
import { DATABASE_ENV, WRITER_ENV } from '@adtally/db/env';
import { KAFKA_ENV, KAFKA_RULES, READER_ENV, TOPICS_ENV, TOPICS_RULES } from '@adtally/kafka/env';
import { BATCH_ENV, RECORD_ENV, suspicionEnv } from '@adtally/pipeline/env';
import { serviceEnv } from '@adtally/service/env';
import { RETENTION_ENV, RETENTION_RULES, TIMELESS_ARCHIVE_RULE } from './retention-env.ts';

/** What `replay` alone uses: a record must be judged as the consumer judges it. */
const REPLAY_ENV = {
  ...TOPICS_ENV,
  ...BATCH_ENV,
  ...RECORD_ENV,
  ...WRITER_ENV,
  ...suspicionEnv({ attempts: 5, budgetMs: 60_000 }),
  ...READER_ENV,
  ...KAFKA_ENV,
  kafkaBrokers: optional(KAFKA_ENV.kafkaBrokers, '`host:port,...`; required by `replay`'),
} as const;

/** Every variable of this app; the README's table is made from it. */
export const ENV = {
  ...DATABASE_ENV,
  settleMs: durationMs('ROLLUP_SETTLE_MS', {
    default: 90_000,
    min: 0,
    max: 3_600_000,
    meaning: 'how long after its end a cohort is summed up; sooner is fresher, later is cheaper',
  }),
  turnMs: durationMs('ROLLUP_TURN_MS', {
    default: 1_000,
    min: 10,
    max: 600_000,
    meaning: 'pause between turns with nothing left to do',
  }),
  lateBatch: int('ROLLUP_LATE_BATCH', {
    default: 20_000,
    min: 1,
    max: 1_000_000,
    meaning: 'most late impressions in one transaction',
  }),
  baseRows: int('ROLLUP_BASE_ROWS', {
    default: 50_000,
    min: 1,
    max: 10_000_000,
    meaning: 'most rows in one base, as far as whole cohorts allow',
  }),
  lagMaxRecords: int('BACKFILL_LAG_MAX_RECORDS', {
    default: 1_000_000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    meaning:
      'records ingest may be behind before a backfill waits and the frontier is held (15 minutes at most)',
  }),
  ...RETENTION_ENV,
  ...ARCHIVE_ENV,
  ...serviceEnv(9467),
  ...REPLAY_ENV,
} as const;

const RULES: readonly Rule<ConfigOf<typeof ENV>>[] = [
  ...TOPICS_RULES,
  ...KAFKA_RULES,
  ...RETENTION_RULES,
  TIMELESS_ARCHIVE_RULE,
];

export interface RunnerConfig extends ConfigOf<typeof ENV> {
  /** Who runs this, for what operators do. */
  readonly actor: string;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): RunnerConfig {
  const config = loadEnv(ENV, env, RULES);
  return Object.freeze({ ...config, actor: `${userName()}@${hostname()}` });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: RunnerConfig): Record<string, string> {
  return describeConfig(ENV, config);
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
