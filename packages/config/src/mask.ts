export const MASK = '***';

/**
 * Hides the password and every parameter whose name speaks of one; several hosts are fine. A password that holds
 * an `@` as it is ends at the last one: too much is hidden rather than the rest of it shown.
 */
export function maskUrl(value: string): string {
  return value
    .replace(/^([^/]*\/\/[^:/]*):.*@/s, `$1:${MASK}@`)
    .replace(/([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*/gi, `$1${MASK}`);
}
