/** Waits between the tries of one letter. */
export interface LetterBackoff {
  readonly firstMs: number;
  readonly lastMs: number;
}

/**
 * How long after its try number `attempt` (from 1) a letter waits: doubling from first to last, jittered to
 * between half and all of it, so that letters that failed together do not come back together.
 */
export function waitAfterMs({ firstMs, lastMs }: LetterBackoff, attempt: number): number {
  const full = Math.min(lastMs, firstMs * 2 ** Math.min(attempt - 1, 40));
  return full / 2 + (Math.random() * full) / 2;
}
