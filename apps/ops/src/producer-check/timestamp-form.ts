import { isClock, NO_TIMESTAMP } from '@adtally/event-schema';

/** What a record's timestamp is, by its size: milliseconds since 1970 are meant. */
export const TIMESTAMP_FORMS = [
  'milliseconds',
  'none',
  'seconds',
  'microseconds',
  'nanoseconds',
  'no_clock',
] as const;

export type TimestampForm = (typeof TIMESTAMP_FORMS)[number];

export const TIMESTAMP_FORM_WORDS: Readonly<Record<TimestampForm, string>> = {
  milliseconds: 'milliseconds',
  none: 'no timestamp at all',
  seconds: 'seconds instead of milliseconds: multiply by 1,000',
  microseconds: 'microseconds instead of milliseconds: divide by 1,000',
  nanoseconds: 'nanoseconds instead of milliseconds: divide by 1,000,000',
  no_clock: 'before 2015 or after 2099 in any unit',
};

const UNITS = [
  ['seconds', 1_000],
  ['microseconds', 1e-3],
  ['nanoseconds', 1e-6],
] as const;

export function timestampForm(timestamp: number): TimestampForm {
  if (timestamp === NO_TIMESTAMP) return 'none';
  if (isClock(timestamp)) return 'milliseconds';
  return UNITS.find(([, factor]) => isClock(timestamp * factor))?.[0] ?? 'no_clock';
}
