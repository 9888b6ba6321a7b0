import { userInfo } from 'node:os';
import { ARCHIVE_ENV } from '@adtally/archive/env';
import { describeConfig, loadEnv, text, type ConfigOf, type Env } from '@adtally/config';
import { DATABASE_ENV } from '@adtally/db/env';

/** Every variable of this app; the README's table is made from it. */
export const ENV = {
  ...DATABASE_ENV,
  ...ARCHIVE_ENV,
  actor: text('ADTALLY_ACTOR', {
    default: '',
    maxLength: 200,
    meaning: 'who signs; set it in containers',
    defaultWords: 'the user of the system',
  }),
} as const;

export type OpsConfig = ConfigOf<typeof ENV>;

/** Reads and checks the environment; throws ConfigError with all that is wrong. */
export function readConfig(env: Env = process.env): OpsConfig {
  const config = loadEnv(ENV, env);
  return Object.freeze({ ...config, actor: config.actor.trim() || systemUser() });
}

/** What is in effect, for people; credentials masked. */
export function describe(config: OpsConfig): Record<string, string> {
  return describeConfig(ENV, config);
}

/** A container may run under a number that has no name. */
function systemUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
