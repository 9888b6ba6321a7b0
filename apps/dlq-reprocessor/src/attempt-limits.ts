import type { AttemptLimits } from '@adtally/letters';
import { REJECTION_CODES } from '@adtally/event-schema';

/** Most tries a series may be given. */
export const ATTEMPTS_MAX = 1_000;

/**
 * Reads `empty=1,invalid_utf8=2`: tries of letters whose code no waiting can cure, say. Returns what is
 * wrong as sentences where something is.
 */
export function parseAttemptsByCode(text: string): AttemptLimits['attemptsMaxByCode'] | string[] {
  const limits = new Map<string, number>();
  const problems: string[] = [];
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [code = '', tries = ''] = part.split('=').map((side) => side.trim());
    const attemptsMax = /^\d{1,4}$/.test(tries) ? Number(tries) : 0;
    if (!(REJECTION_CODES as readonly string[]).includes(code)) {
      problems.push(`MAX_ATTEMPTS_BY_CODE: there is no code ${JSON.stringify(code)}`);
    } else if (attemptsMax < 1 || attemptsMax > ATTEMPTS_MAX) {
      problems.push(`MAX_ATTEMPTS_BY_CODE: ${code} needs a number 1..${ATTEMPTS_MAX}`);
    }
    limits.set(code, attemptsMax);
  }
  return problems.length > 0 ? problems : limits;
}
