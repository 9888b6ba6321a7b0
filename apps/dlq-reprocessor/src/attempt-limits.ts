import { field, NotAllowed } from '@adtally/config';
import { REJECTION_CODES } from '@adtally/event-schema';
import type { AttemptLimits } from '@adtally/letters';

/** Most tries a series may be given. */
export const ATTEMPTS_MAX = 1_000;

type AttemptsByCode = AttemptLimits['attemptsMaxByCode'];

/** `empty=1,invalid_utf8=2`: tries of letters whose code no waiting can cure, say; empty = none. */
export function attemptsMaxByCode(variable: string, meaning: string) {
  return field<AttemptsByCode>(variable, {
    allowed: `code=tries, more of them with commas between; tries 1..${ATTEMPTS_MAX}`,
    meaning,
    defaultText: '',
    parse: (text) => parse(variable, text),
    show: (limits) => [...limits].map(([code, tries]) => `${code}=${tries}`).join(','),
  });
}

function parse(variable: string, text: string): AttemptsByCode | NotAllowed {
  const limits = new Map<string, number>();
  const problems: string[] = [];
  for (const part of text.split(',').filter((one) => one.trim() !== '')) {
    const [code = '', tries = ''] = part.split('=').map((side) => side.trim());
    const attemptsMax = /^\d{1,4}$/.test(tries) ? Number(tries) : 0;
    if (!(REJECTION_CODES as readonly string[]).includes(code)) {
      problems.push(`${variable}: there is no code ${JSON.stringify(code)}`);
    } else if (attemptsMax < 1 || attemptsMax > ATTEMPTS_MAX) {
      problems.push(`${variable}: ${code} needs a number 1..${ATTEMPTS_MAX}`);
    }
    limits.set(code, attemptsMax);
  }
  return problems.length > 0 ? new NotAllowed(problems) : limits;
}
