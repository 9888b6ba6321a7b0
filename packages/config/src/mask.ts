export const MASK = '***';

/** Hides the password and every parameter whose name speaks of one; several hosts are fine. */
export function maskUrl(value: string): string {
  return value
    .replace(/^([^/]*\/\/[^:@/]*):[^@]*@/, `$1:${MASK}@`)
    .replace(/([?&][^=&]*(?:password|secret|token|key)[^=&]*=)[^&]*/gi, `$1${MASK}`);
}
