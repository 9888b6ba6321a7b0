import { periodBound, periodOf, timeZone, type Period } from '@adtally/analytics';
import { option, required, UsageError } from '@adtally/command-line';

/** Which time a command is asked about: days of a time zone. */
export const PERIOD_OPTIONS = {
  from: required(periodBound, 'first day of the time zone, or first hour'),
  to: required(periodBound, 'the day or hour before which it ends; not included'),
  'time-zone': option(timeZone, 'whose days are meant', { default: 'UTC' }),
} as const;

/** @throws UsageError where nothing lies between the two */
export function readPeriod(options: {
  readonly from: string;
  readonly to: string;
  readonly 'time-zone': string;
}): Period {
  const { from, to } = options;
  return periodOf({ from, to, timeZone: options['time-zone'] });
}

/** The same for a command that may be asked about all time. */
export const OPTIONAL_PERIOD_OPTIONS = {
  from: option(periodBound, 'events that happened from this day or hour on'),
  to: option(periodBound, 'and before this one'),
  'time-zone': PERIOD_OPTIONS['time-zone'],
} as const;

/** All time where neither bound is given. @throws UsageError where one of them is, or nothing lies between */
export function readOptionalPeriod(options: {
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly 'time-zone': string;
}): Period | undefined {
  const { from, to } = options;
  if (from === undefined && to === undefined) return undefined;
  if (from === undefined || to === undefined) {
    throw new UsageError('--from and --to are given together');
  }
  return readPeriod({ ...options, from, to });
}
