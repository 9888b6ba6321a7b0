import { userInfo } from 'node:os';
import {
  int,
  loadEnv,
  text,
  url,
  wholeNumbers,
  describeConfig,
  type ConfigOf,
  type Env,
} from '@adtally/service/config';

/** Every variable of this app; its README's table is this list in words. */
const SCHEMA = {
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  actor: text('ADTALLY_ACTOR', { default: '', maxLength: 200 }),
  // As the dlq-reprocessor has them: "would pass now" means there.
  recordMaxBytes: int('RECORD_MAX_BYTES', { default: 65_536, min: 1_024, max: 16_777_216 }),
  jsonMaxDepth: int('JSON_MAX_DEPTH', { default: 32, min: 1, max: 1_000 }),
  readAsNewest: wholeNumbers('SCHEMA_VERSIONS_READ_AS_NEWEST', { max: 1_000_000 }),
} as const;

export type OpsConfig = ConfigOf<typeof SCHEMA>;

/** Reads and checks the environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): OpsConfig {
  const config = loadEnv(SCHEMA, env);
  return Object.freeze({ ...config, actor: config.actor.trim() || systemUser() });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: OpsConfig): Record<string, string> {
  return describeConfig(SCHEMA, config);
}

/** A container may run under a number that has no name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
