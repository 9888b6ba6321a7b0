import { durationMs } from '@adtally/config';

/** Bounds of the database session that writes events. */
export const WRITER_ENV = {
  lockTimeoutMs: durationMs('LOCK_TIMEOUT_MS', { default: 5_000, min: 100, max: 600_000 }),
  statementTimeoutMs: durationMs('STATEMENT_TIMEOUT_MS', {
    default: 30_000,
    min: 1_000,
    max: 600_000,
  }),
} as const;

/** Reads DATABASE_URL. Throws where it is absent or empty. */
export function readDatabaseUrl(): string {
  const url = process.env['DATABASE_URL'];
  if (!url) throw new Error('DATABASE_URL is not set');
  return url;
}
