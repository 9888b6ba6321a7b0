import type { ValueType } from './value-types.ts';

const TIME =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,6})?)?(?:[Zz]|[+-](\d{2}):(\d{2}))?)?$/;
const ZONE = /(?:[Zz]|[+-]\d{2}:\d{2})$/;

/** RFC 3339 as text with an offset, for a server that knows microseconds: UTC where none is given. */
export const timestamp: ValueType<string> = {
  placeholder: 'TIME',
  allowed: 'a time such as 2026-03-01T12:00:00Z',
  hint: '',
  parse: (given) => {
    if (!isTime(given)) return undefined;
    const [date = '', clock] = given.split(/[Tt]/);
    if (clock === undefined) return `${date}T00:00:00Z`;
    return ZONE.test(clock) ? given : `${given}Z`;
  },
};

/** As `timestamp`, in milliseconds since 1970. */
export const timeMs: ValueType<number> = {
  ...timestamp,
  parse: (given) => {
    const withZone = timestamp.parse(given);
    return withZone === undefined ? undefined : Date.parse(withZone.toUpperCase());
  },
};

function isTime(given: string): boolean {
  const match = TIME.exec(given);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0, rest = 0] =
    match.slice(1).map((digits) => Number(digits ?? 0));
  const isDate = year >= 1 && month >= 1 && month <= 12 && day >= 1;
  if (!isDate || day > daysInMonth(year, month)) return false;
  return hour <= 23 && minute <= 59 && second <= 59 && offset <= 14 && rest <= 59;
}

function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
