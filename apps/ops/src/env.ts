import { userInfo } from 'node:os';
import { describeConfig, loadEnv, text, url, type ConfigOf, type Env } from '@adtally/config';
import { RECORD_ENV } from '@adtally/pipeline/env';

/** Every variable of this app; its README's table is this list in words. */
const SCHEMA = {
  databaseUrl: url('DATABASE_URL', { schemes: ['postgres', 'postgresql'] }),
  actor: text('ADTALLY_ACTOR', { default: '', maxLength: 200 }),
  // As the dlq-reprocessor has them: "would pass now" means there.
  ...RECORD_ENV,
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
