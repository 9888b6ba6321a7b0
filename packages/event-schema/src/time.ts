/**
 * Times of the contract: RFC 3339 with `Z` or any offset, years 0001..9999 in UTC. Inside a batch they are
 * microseconds since 2000-01-01 UTC, as PostgreSQL stores a `timestamptz`: digits of a fraction past the
 * sixth are cut, so the same instant printed to the nanosecond and to the microsecond is the same time.
 */

/**
 * RFC 3339, and beyond it whole minutes without seconds, as `OffsetDateTime` of Java prints them. What
 * carries no zone is no instant and does not match. Calendar, clock and offset are checked beyond it.
 */
export const TIME_PATTERN =
  '^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]+)?)?([Zz]|[+-][0-9]{2}:[0-9]{2})$';

/** 2000-01-01 in milliseconds since 1970: where PostgreSQL's clock starts. */
export const POSTGRES_EPOCH_MS = 946_684_800_000;

/** The first and the last microsecond of the years 0001..9999, since 2000-01-01 UTC. */
export const TIME_MIN_MICROS = -63_082_281_600_000_000n;
export const TIME_MAX_MICROS = 252_455_615_999_999_999n;

const MICROS_PER_SECOND = 1_000_000n;
const SECONDS_PER_DAY = 86_400;
const DAYS_1970_TO_2000 = 10_957;

/** Digits of a fraction that are kept; those behind them are cut. */
export const FRACTION_DIGITS = 6;

const TIME_REGEXP = new RegExp(TIME_PATTERN);
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

/** Days of a month (1..12) in the Gregorian calendar, extended to before its invention. */
export function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

/** Days from 2000-01-01 to a date of the Gregorian calendar (negative before it). */
export function daysSince2000(year: number, month: number, day: number): number {
  // Years that begin in March put the leap day last; 400 years are always 146,097 days.
  const marchYear = month > 2 ? year : year - 1;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468 - DAYS_1970_TO_2000;
}

/** Microseconds since 2000-01-01 UTC, or `null` where the text is no time of the contract. */
export function parseTime(text: string): bigint | null {
  if (!TIME_REGEXP.test(text)) return null;
  const digits = (from: number, to: number): number => Number(text.slice(from, to));
  const [year, month, day] = [digits(0, 4), digits(5, 7), digits(8, 10)];
  const [hour, minute] = [digits(11, 13), digits(14, 16)];
  const second = text[16] === ':' ? digits(17, 19) : 0;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  if (hour > 23 || minute > 59 || second > 59) return null;
  const offsetSeconds = parseOffset(text);
  if (offsetSeconds === null) return null;
  const fraction = /\.([0-9]{1,6})/.exec(text)?.[1] ?? '';
  const seconds =
    daysSince2000(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
  const micros =
    BigInt(seconds - offsetSeconds) * MICROS_PER_SECOND +
    BigInt(fraction.padEnd(FRACTION_DIGITS, '0'));
  return micros < TIME_MIN_MICROS || micros > TIME_MAX_MICROS ? null : micros;
}

/** Seconds that a text of the pattern is ahead of UTC, or `null` where no clock has such an offset. */
function parseOffset(text: string): number | null {
  const offset = /([+-])([0-9]{2}):([0-9]{2})$/.exec(text);
  if (offset === null) return 0;
  const [hours, minutes] = [Number(offset[2]), Number(offset[3])];
  if (hours > 23 || minutes > 59) return null;
  return (offset[1] === '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/** The time as producers are asked to write it: UTC, six fraction digits, `Z`. */
export function timeText(microsSince2000: bigint): string {
  const millis = microsSince2000 / 1000n - (microsSince2000 % 1000n < 0n ? 1n : 0n);
  const micros = Number(microsSince2000 - millis * 1000n);
  const iso = new Date(Number(millis) + POSTGRES_EPOCH_MS).toISOString();
  return `${iso.slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}
