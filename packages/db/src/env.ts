import { durationMs, loadEnv, secret, url, type ConfigOf, type Env } from '@adtally/config';

/** Where the database is. */
export const DATABASE_ENV = {
  databaseUrl: secret(
    url('DATABASE_URL', {
      schemes: ['postgres', 'postgresql'],
      meaning: '`postgres://...`; a direct connection or a session-mode pooler',
    }),
  ),
} as const;

/** Bounds of the database session that writes events. */
export const WRITER_ENV = {
  lockTimeoutMs: durationMs('LOCK_TIMEOUT_MS', {
    default: 5_000,
    min: 100,
    max: 600_000,
    meaning: 'wait for one database lock; below `STATEMENT_TIMEOUT_MS`',
  }),
  statementTimeoutMs: durationMs('STATEMENT_TIMEOUT_MS', {
    default: 30_000,
    min: 1_000,
    max: 600_000,
    meaning: 'longest statement; 5 s later a silent connection is cut',
  }),
} as const;

/** For the migration job, which reads nothing else; throws ConfigError with all problems. */
export function readDatabaseConfig(env: Env = process.env): ConfigOf<typeof DATABASE_ENV> {
  return loadEnv(DATABASE_ENV, env);
}
