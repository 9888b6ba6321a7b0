import { withDatabase, type Database } from '@adtally/db';
import type { OpsConfig } from './env.ts';
import type { ProducerCheckConfig } from './producer-check/env.ts';

/** What every command is handed: the environment, which is read once the command line is right. */
export interface OpsEnvironment {
  readonly readConfig: () => OpsConfig;
  /** What `check-producer` and `send` need, which have no database. */
  readonly readProducerCheckConfig: () => ProducerCheckConfig;
  /** The configuration for people; credentials masked. */
  readonly describe: (config: OpsConfig) => Readonly<Record<string, string>>;
}

/** What the work of a command needs. */
export interface OpsContext {
  readonly config: OpsConfig;
  readonly db: Database;
}

/** What a command asks of its connections. */
interface SessionBounds {
  /** In ms; 0 bounds nothing. */
  readonly statementTimeoutMs: number;
}

/** Orders on many letters take their time; a look never needs it. */
const BOUNDS: SessionBounds = { statementTimeoutMs: 300_000 };

/** Does work on the database of the environment. @throws ConfigError, CommandError */
export async function onDatabase(
  environment: OpsEnvironment,
  work: (context: OpsContext) => Promise<number>,
  bounds = BOUNDS,
): Promise<number> {
  const config = environment.readConfig();
  return await readFromDatabase(environment, (db) => work({ config, db }), bounds);
}

/** As `onDatabase`, for a command that goes on elsewhere with what it read. @throws ConfigError, CommandError */
export async function readFromDatabase<T>(
  { readConfig }: OpsEnvironment,
  work: (db: Database) => Promise<T>,
  { statementTimeoutMs } = BOUNDS,
): Promise<T> {
  const options = { applicationName: 'adtally-ops', maxConnections: 2, statementTimeoutMs };
  return await withDatabase(readConfig().databaseUrl, options, work);
}
