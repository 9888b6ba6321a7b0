import { hostname, userInfo } from 'node:os';
import {
  describeConfig,
  durationMs,
  int,
  loadEnv,
  url,
  type ConfigOf,
  type Env,
} from '@adtally/config';
import { adminPort, SERVICE_ENV } from '@adtally/service';

/** Every variable of this app; the README's table is this list in words. */
const SCHEMA = {
  ...SERVICE_ENV,
  adminPort: adminPort(9467),
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  settleMs: durationMs('ROLLUP_SETTLE_MS', { default: 90_000, min: 0, max: 3_600_000 }),
  turnMs: durationMs('ROLLUP_TURN_MS', { default: 1_000, min: 10, max: 600_000 }),
  lateBatch: int('ROLLUP_LATE_BATCH', { default: 20_000, min: 1, max: 1_000_000 }),
  baseRows: int('ROLLUP_BASE_ROWS', { default: 50_000, min: 1, max: 10_000_000 }),
  lagMaxRecords: int('BACKFILL_LAG_MAX_RECORDS', {
    default: 1_000_000,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
} as const;

export interface RunnerConfig extends ConfigOf<typeof SCHEMA> {
  /** Who runs this, for what operators do. */
  readonly actor: string;
  /** For OTEL_*: the telemetry package reads them itself. */
  readonly env: Env;
}

/** Reads and checks the whole environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): RunnerConfig {
  const config = loadEnv(SCHEMA, env);
  return Object.freeze({ ...config, actor: `${userName()}@${hostname()}`, env });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: RunnerConfig): Record<string, string> {
  return describeConfig(SCHEMA, config);
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'unknown';
  }
}
