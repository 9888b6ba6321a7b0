import { durationMs, int, wholeNumbers } from './env-fields.ts';

/** What a record is judged by: the same in every app, else a retry or a replay would judge otherwise. */
export const RECORD_ENV = {
  recordMaxBytes: int('RECORD_MAX_BYTES', { default: 65_536, min: 1_024, max: 16_777_216 }),
  jsonMaxDepth: int('JSON_MAX_DEPTH', { default: 32, min: 1, max: 1_000 }),
  readAsNewest: wholeNumbers('SCHEMA_VERSIONS_READ_AS_NEWEST', { max: 1_000_000 }),
} as const;

/** The predictions in Redis: an app that reads those of another must let them live as long. */
export const DEDUP_ENV = {
  dedupTtlSeconds: int('DEDUP_TTL_SECONDS', { default: 21_600, min: 1, max: 31_536_000 }),
  dedupBudgetMs: durationMs('DEDUP_BUDGET_MS', { default: 50, min: 1, max: 10_000 }),
} as const;

/** Bounds of the database session that writes events. */
export const WRITER_ENV = {
  lockTimeoutMs: durationMs('LOCK_TIMEOUT_MS', { default: 5_000, min: 100, max: 600_000 }),
  statementTimeoutMs: durationMs('STATEMENT_TIMEOUT_MS', {
    default: 30_000,
    min: 1_000,
    max: 600_000,
  }),
} as const;
