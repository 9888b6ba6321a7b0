import { COHORT_MS } from '@adtally/db';

export { COHORT_MS };

/** Ids that carry no usable time: no UUIDv7, or born in 2100 or later. */
export const TIMELESS = -1n;

/**
 * The cohort of rows that hold what ids without a time came to whose events left. It has no base: nothing can be summed up
 * for it any more, and TIMELESS is what the events come to that are there.
 */
export const PURGED_TIMELESS = -2n;

/** The last cohort that ends at or before a moment (milliseconds since 1970). */
export function lastCohortBefore(ms: number): bigint {
  return BigInt(Math.floor(ms / COHORT_MS)) - 1n;
}

/** The cohort of an impression born at a moment. */
export function cohortAt(ms: number): bigint {
  return BigInt(Math.floor(ms / COHORT_MS));
}

/** When a cohort begins, in milliseconds since 1970; the next one begins where it ends. */
export function cohortStartMs(cohort: bigint): number {
  return Number(cohort) * COHORT_MS;
}

/** The smallest UUID whose time lies in a cohort: a range of ids is a range of cohorts. */
export function firstIdOf(cohort: bigint): string {
  const hex = cohortStartMs(cohort).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}
