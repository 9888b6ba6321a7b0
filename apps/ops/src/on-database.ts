import { withDatabase, type Database } from '@adtally/db';
import type { OpsConfig } from './env.ts';
import type { ProducerCheckConfig } from './producer-check/env.ts';

/** What every command is handed: the environment, which is read once the command line is right. */
export interface OpsEnvironment {
  readonly readConfig: () => OpsConfig;
  /** What `check-producer` needs, which has no database. */
  readonly readProducerCheckConfig: () => ProducerCheckConfig;
  /** The configuration for people; credentials masked. */
  readonly describe: (config: OpsConfig) => Readonly<Record<string, string>>;
}

/** What the work of a command needs. */
export interface OpsContext {
  readonly config: OpsConfig;
  readonly db: Database;
}

/** Orders on many letters take their time; a look never needs it. */
const STATEMENT_TIMEOUT_MS = 300_000;

/** Does work on the database of the environment. @throws ConfigError, CommandError */
export async function onDatabase(
  environment: OpsEnvironment,
  work: (context: OpsContext) => Promise<number>,
): Promise<number> {
  const config = environment.readConfig();
  return await readFromDatabase(environment, (db) => work({ config, db }));
}

/** As `onDatabase`, for a command that goes on elsewhere with what it read. @throws ConfigError, CommandError */
export async function readFromDatabase<T>(
  { readConfig }: OpsEnvironment,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const options = {
    applicationName: 'adtally-ops',
    maxConnections: 2,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  };
  return await withDatabase(readConfig().databaseUrl, options, work);
}
