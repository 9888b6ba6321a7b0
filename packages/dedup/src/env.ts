import { durationMs, int } from '@adtally/config';

/** The predictions in Redis: an app that reads those of another must let them live as long. */
export const DEDUP_ENV = {
  dedupTtlSeconds: int('DEDUP_TTL_SECONDS', { default: 21_600, min: 1, max: 31_536_000 }),
  dedupBudgetMs: durationMs('DEDUP_BUDGET_MS', { default: 50, min: 1, max: 10_000 }),
} as const;
