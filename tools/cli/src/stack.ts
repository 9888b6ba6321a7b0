import type { Secret } from '@adtally/config';
import { readDatabaseConfig } from '@adtally/db/env';
import { runningAddresses, type StackAddresses, StackError } from '@adtally/local-stack';

/** Environment variables that tell a service where its servers are. */
export function stackEnvironment(addresses: Partial<StackAddresses>): Record<string, string> {
  const { kafkaBrokers, databaseUrl, redisUrl } = addresses;
  return {
    ...(kafkaBrokers === undefined ? {} : { KAFKA_BROKERS: kafkaBrokers }),
    ...(databaseUrl === undefined ? {} : { DATABASE_URL: databaseUrl }),
    ...(redisUrl === undefined ? {} : { REDIS_URL: redisUrl }),
  };
}

/**
 * The environment for a program that works with the stack: what is set stays as it is (an empty
 * REDIS_URL means "no Redis"), the rest comes from the running servers.
 */
export function serviceEnvironment(
  env: NodeJS.ProcessEnv = process.env,
  addresses: Partial<StackAddresses> = runningAddresses(),
): NodeJS.ProcessEnv {
  const given = Object.entries(env).filter(([, value]) => value !== undefined);
  // What a file gives is not given by a variable too.
  const known = Object.entries(stackEnvironment(addresses)).filter(
    ([name]) => !env[`${name}_FILE`],
  );
  return { ...Object.fromEntries(known), ...Object.fromEntries(given) };
}

/**
 * The database to work on: DATABASE_URL if set, else the running local server's.
 * @throws StackError when there is neither.
 */
export function requireDatabaseUrl(addresses = runningAddresses()): string {
  if (addresses.databaseUrl === undefined) {
    throw new StackError('no database: set DATABASE_URL, or start the local stack with ./dev up');
  }
  return addresses.databaseUrl;
}

/**
 * The same with the password where it comes from elsewhere (DATABASE_PASSWORD and the like).
 * @throws StackError, ConfigError
 */
export function databaseAccess(): Secret {
  const given = { ...process.env, DATABASE_URL: requireDatabaseUrl(), DATABASE_URL_FILE: '' };
  return readDatabaseConfig(given).databaseUrl;
}
