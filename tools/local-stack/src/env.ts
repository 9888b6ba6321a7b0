import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Servers named in the environment; an undefined one is started here. */
export interface ExternalAddresses {
  readonly kafkaBrokers: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
}

/** Root of this clone. */
export const repositoryRoot = resolve(import.meta.dirname, '../../..');

/** State, logs and data of this clone's stack; ignored by git. */
export const localFolder = join(repositoryRoot, '.local');

function nonEmpty(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value;
}

/**
 * Addresses given by the environment. An empty REDIS_URL means "no Redis" to a service, and
 * "start one" to the stack, so an empty value counts as not given.
 */
export function externalAddresses(env: NodeJS.ProcessEnv = process.env): ExternalAddresses {
  return {
    kafkaBrokers: nonEmpty(env['KAFKA_BROKERS']),
    databaseUrl: nonEmpty(env['DATABASE_URL']),
    redisUrl: nonEmpty(env['REDIS_URL']),
  };
}

/** Folder shared by all clones of this user: toolchain and Kafka's jars. The same rule as in ./dev. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const given = nonEmpty(env['ADTALLY_CACHE']);
  if (given !== undefined) return given;
  const base =
    nonEmpty(env['XDG_CACHE_HOME']) ?? join(nonEmpty(env['HOME']) ?? homedir(), '.cache');
  return join(base, 'adtally');
}
