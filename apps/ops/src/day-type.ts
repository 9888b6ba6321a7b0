import type { ValueType } from '@adtally/command-line';

/** A day of UTC, `2026-03-01`. */
export const day: ValueType<string> = {
  placeholder: 'DAY',
  allowed: 'a day, as 2026-03-01',
  hint: 'as 2026-03-01',
  parse: (given) => {
    if (!/^\d{4}-\d\d-\d\d$/.test(given)) return undefined;
    const at = new Date(`${given}T00:00:00Z`);
    return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(given) ? given : undefined;
  },
};
