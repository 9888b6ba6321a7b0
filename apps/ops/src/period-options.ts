import { periodBound, periodOf, timeZone, type Period } from '@adtally/analytics';
import { option, required } from '@adtally/command-line';

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
