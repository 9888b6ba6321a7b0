import { UsageError, type ValueType } from '@adtally/command-line';
import { Temporal } from 'temporal-polyfill';

/** A span of time of which figures are asked, with the zone whose days it is cut into. */
export interface Period {
  /** Milliseconds since 1970; included. */
  readonly fromMs: number;
  /** Not included. */
  readonly toMs: number;
  /** As the time zone database writes it: `Europe/Berlin`. */
  readonly timeZone: string;
}

/** A part of a period, with what it is called. */
export interface Bucket {
  /** `2026-03-29` for a day, RFC 3339 with the zone's offset for an hour. */
  readonly label: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.parse('0001-01-01T00:00:00Z');
const LAST_MS = Date.parse('9999-12-31T23:59:59.999Z');
const DAY = /^\d{4}-\d{2}-\d{2}$/;
const MONTH = /^\d{4}-\d{2}$/;
// Seconds and their fraction may be left out or be zero; the offset may not be left out.
const WHOLE_HOUR = /^\d{4}-\d{2}-\d{2}T\d{2}:00(?::00(?:\.0{1,6})?)?(?:Z|[+-]\d{2}:\d{2})$/;
// Readers other than this one (Python's zoneinfo, PostgreSQL on some systems) tell upper from lower case.
const ZONE_NAME = /^[A-Z][A-Za-z0-9_+-]*(?:\/[A-Z][A-Za-z0-9_+-]*)*$/;
/** More lines than a report can be meant to have. */
const BUCKETS_MAX = 100_000;

/** A zone of the time zone database by its name, `UTC` too; offsets (`+02:00`) have no days of 23 hours and are none. */
export const timeZone: ValueType<string> = {
  placeholder: 'ZONE',
  allowed: 'a time zone by its IANA name, such as Europe/Berlin or UTC',
  hint: 'IANA name',
  words: ['UTC', ...Intl.supportedValuesOf('timeZone')],
  parse: (given) => (isTimeZone(given) ? given : undefined),
};

/** Where a period begins or ends: a day of its time zone, or an instant on a whole hour. */
export const periodBound: ValueType<string> = {
  placeholder: 'DAY|TIME',
  allowed: 'a day such as 2026-03-01, or a whole hour with its offset such as 2026-03-01T12:00:00Z',
  hint: 'day of the time zone, or RFC 3339 on a whole hour',
  parse: (given) => (isBound(given) ? given : undefined),
};

/** A month of a time zone: `2026-10`. */
export const month: ValueType<string> = {
  placeholder: 'MONTH',
  allowed: 'a month such as 2026-10',
  hint: 'such as 2026-10',
  parse: (given) => (isMonth(given) ? given : undefined),
};

/**
 * The period between two bounds: days begin where they begin in the zone, instants are what they are.
 *
 * @param bounds as `periodBound` lets them pass; `to` is not included
 * @throws UsageError where nothing lies between them
 */
export function periodOf(bounds: {
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
}): Period {
  const [fromMs, toMs] = [msOf(bounds.from, bounds.timeZone), msOf(bounds.to, bounds.timeZone)];
  if (fromMs >= toMs) {
    const oneDay = DAY.test(bounds.from)
      ? `; for the one day --to ${String(Temporal.PlainDate.from(bounds.from).add({ days: 1 }))}`
      : '';
    throw new UsageError(`--to is not included and must lie after --from${oneDay}`);
  }
  return plausible({ fromMs, toMs, timeZone: bounds.timeZone });
}

/** A whole month of a time zone. @param named as `month` lets it pass */
export function monthPeriod(named: string, zone: string): Period {
  const first = Temporal.PlainYearMonth.from(named).toPlainDate({ day: 1 });
  return plausible({
    fromMs: startOfDayMs(first, zone),
    toMs: startOfDayMs(first.add({ months: 1 }), zone),
    timeZone: zone,
  });
}

/** Both ends are in years of four digits in UTC too, which PostgreSQL reads. @throws UsageError */
function plausible(period: Period): Period {
  if (period.fromMs < FIRST_MS || period.toMs > LAST_MS)
    throw new UsageError('the years 1 to 9999 of UTC are what can be asked for');
  return period;
}

/** The days of its zone that a period touches, cut at its ends; a day may have 23, 25 or 24.5 hours. */
export function daysOf({ fromMs, toMs, timeZone: zone }: Period): Bucket[] {
  const days: Bucket[] = [];
  let date = zoned(fromMs, zone).toPlainDate();
  for (let startMs = startOfDayMs(date, zone); startMs < toMs;) {
    const next = date.add({ days: 1 });
    const endMs = startOfDayMs(next, zone);
    // Where a zone crossed the date line a day is missing: it would be empty.
    if (endMs > startMs) {
      days.push({
        label: String(date),
        fromMs: Math.max(startMs, fromMs),
        toMs: Math.min(endMs, toMs),
      });
      refuseTooMany(days.length);
    }
    [date, startMs] = [next, endMs];
  }
  return days;
}

/** The hours of a period's days, counted from where each day begins; where clocks go back by half an hour one is half as long. */
export function hoursOf(period: Period): Bucket[] {
  const { timeZone: zone } = period;
  const hours: Bucket[] = [];
  for (const day of daysOf(period)) {
    const dayMs = startOfDayMs(Temporal.PlainDate.from(day.label), zone);
    const first = dayMs + Math.floor((day.fromMs - dayMs) / HOUR_MS) * HOUR_MS;
    for (let startMs = first; startMs < day.toMs; startMs += HOUR_MS) {
      hours.push({
        label: rfc3339(startMs, zone),
        fromMs: Math.max(startMs, day.fromMs),
        toMs: Math.min(startMs + HOUR_MS, day.toMs),
      });
      refuseTooMany(hours.length);
    }
  }
  return hours;
}

/** Whether all of them begin and end on whole hours of UTC, by which rollups are kept. */
export function isOnUtcHours(spans: readonly Pick<Bucket, 'fromMs' | 'toMs'>[]): boolean {
  return spans.every(({ fromMs, toMs }) => fromMs % HOUR_MS === 0 && toMs % HOUR_MS === 0);
}

/** A moment as people of that zone write it, with its offset. */
export function rfc3339(ms: number, zone: string): string {
  return zoned(ms, zone).toString({ timeZoneName: 'never', smallestUnit: 'second' });
}

function msOf(bound: string, zone: string): number {
  if (DAY.test(bound)) return startOfDayMs(Temporal.PlainDate.from(bound), zone);
  return Temporal.Instant.from(bound).epochMilliseconds;
}

function startOfDayMs(date: Temporal.PlainDate, zone: string): number {
  return date.toZonedDateTime(zone).epochMilliseconds;
}

function zoned(ms: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
}

function isTimeZone(given: string): boolean {
  return ZONE_NAME.test(given) && isReadable(() => zoned(0, given)) && nameOf(given) === given;
}

/** As the database of time zones spells it: `Europe/BERLIN` is read here, and nowhere else. */
function nameOf(zone: string): string {
  return zoned(0, zone).timeZoneId;
}

function isBound(given: string): boolean {
  if (DAY.test(given))
    return isReadable(() => Temporal.PlainDate.from(given)) && isPlausible(given);
  return (
    WHOLE_HOUR.test(given) && isReadable(() => Temporal.Instant.from(given)) && isPlausible(given)
  );
}

function isMonth(given: string): boolean {
  return (
    MONTH.test(given) && isReadable(() => Temporal.PlainYearMonth.from(given)) && isPlausible(given)
  );
}

/** PostgreSQL has no year 0. */
function isPlausible(given: string): boolean {
  return !given.startsWith('0000');
}

function isReadable(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

function refuseTooMany(buckets: number): void {
  if (buckets > BUCKETS_MAX) {
    throw new UsageError(`more than ${BUCKETS_MAX} days or hours: ask for a shorter time`);
  }
}
