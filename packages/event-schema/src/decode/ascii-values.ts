/**
 * Values read straight from ASCII bytes into a batch column. Each function knows the ordinary spelling
 * only and answers false at any other, which says nothing about validity.
 */
import type { BatchColumn } from '../batch.ts';
import { daysInMonth, daysSince2000, FRACTION_DIGITS } from '../time.ts';
import { UUID_TEXT_LENGTH } from '../uuid.ts';
import { HEX_VALUE } from './ascii-tables.ts';

const DASH = 0x2d;
const DOT = 0x2e;
const COLON = 0x3a;
const LETTER_T = 0x54;
const LETTER_Z = 0x5a;
const ZERO = 0x30;
const PLUS = 0x2b;
/** Length of `+02:00`. */
const OFFSET_LENGTH = 6;

const WORD = 0x100000000;
const MICROS_PER_DAY = 86_400_000_000;

/** Between these years microseconds since 2000 are exact as a double. */
const FIRST_ORDINARY_YEAR = 1900;
const LAST_ORDINARY_YEAR = 2199;

/** Where the hex pairs of the 8-4-4-4-12 form start. */
const PAIR_STARTS = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);

/** A UUID in either case into 16 bytes of the column. */
export function storeUuid(
  bytes: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  targetAt: number,
): boolean {
  if (end - start !== UUID_TEXT_LENGTH) return false;
  if (
    bytes[start + 8] !== DASH ||
    bytes[start + 13] !== DASH ||
    bytes[start + 18] !== DASH ||
    bytes[start + 23] !== DASH
  )
    return false;
  let seen = 0;
  for (let index = 0; index < 16; index += 1) {
    const at = start + (PAIR_STARTS[index] as number);
    const high = HEX_VALUE[bytes[at] as number] as number;
    const low = HEX_VALUE[bytes[at + 1] as number] as number;
    seen |= high | low;
    target[targetAt + index] = (high << 4) | low;
  }
  return seen < 16;
}

/** Writes an integer that is exact as a double. */
export function storeInteger(column: BatchColumn, row: number, value: number): void {
  column.words[row * 2] = value | 0;
  column.words[row * 2 + 1] = Math.floor(value / WORD);
}

/** The value of a run of digits, at most 15 of them (the caller has seen that they are digits). */
export function digitsValue(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at += 1) value = value * 10 + (bytes[at] as number) - ZERO;
  return value;
}

// Events come nearly in time order: the day's start is computed once a day, not once an event.
let cachedDate = -1;
let cachedDayMicros = 0;

/**
 * `2026-01-31T12:34:56.123456Z`, with or without a fraction, `Z` or an offset: microseconds since 2000,
 * or NaN.
 */
export function timeMicros(bytes: Uint8Array, start: number, end: number): number {
  const isUtc = bytes[end - 1] === LETTER_Z;
  const clockEnd = isUtc ? end - 1 : end - OFFSET_LENGTH;
  if (clockEnd - start < 19) return NaN;
  if (
    bytes[start + 4] !== DASH ||
    bytes[start + 7] !== DASH ||
    bytes[start + 10] !== LETTER_T ||
    bytes[start + 13] !== COLON ||
    bytes[start + 16] !== COLON
  )
    return NaN;
  const century = twoDigits(bytes, start);
  const yearOfCentury = twoDigits(bytes, start + 2);
  const month = twoDigits(bytes, start + 5);
  const day = twoDigits(bytes, start + 8);
  const hour = twoDigits(bytes, start + 11);
  const minute = twoDigits(bytes, start + 14);
  const second = twoDigits(bytes, start + 17);
  // A pair that is no number is NaN and fails its comparison.
  if (!(century >= 0 && yearOfCentury >= 0 && month >= 0 && day >= 0)) return NaN;
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return NaN;
  const micros = fractionMicros(bytes, start + 19, clockEnd);
  const dayMicros = dayStart(century * 100 + yearOfCentury, month, day);
  const offset = isUtc ? 0 : offsetMinutes(bytes, clockEnd);
  return dayMicros + (hour * 3600 + (minute - offset) * 60 + second) * 1_000_000 + micros;
}

/** Minutes ahead of UTC of `+02:00`, or NaN. */
function offsetMinutes(bytes: Uint8Array, at: number): number {
  const sign = bytes[at];
  if ((sign !== PLUS && sign !== DASH) || bytes[at + 3] !== COLON) return NaN;
  const hours = twoDigits(bytes, at + 1);
  const minutes = twoDigits(bytes, at + 4);
  if (!(hours <= 23 && minutes <= 59)) return NaN;
  return (sign === DASH ? -1 : 1) * (hours * 60 + minutes);
}

function twoDigits(bytes: Uint8Array, at: number): number {
  const high = (bytes[at] as number) - ZERO;
  const low = (bytes[at + 1] as number) - ZERO;
  return high >= 0 && high <= 9 && low >= 0 && low <= 9 ? high * 10 + low : NaN;
}

/** Digits past the sixth are looked at and cut. */
function fractionMicros(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  const digits = end - start - 1;
  if (bytes[start] !== DOT || digits < 1) return NaN;
  let micros = 0;
  for (let index = 1; index <= digits || index <= FRACTION_DIGITS; index += 1) {
    const digit = index <= digits ? (bytes[start + index] as number) - ZERO : 0;
    if (digit < 0 || digit > 9) return NaN;
    if (index <= FRACTION_DIGITS) micros = micros * 10 + digit;
  }
  return micros;
}

function dayStart(year: number, month: number, day: number): number {
  const date = (year * 100 + month) * 100 + day;
  if (date === cachedDate) return cachedDayMicros;
  if (year < FIRST_ORDINARY_YEAR || year > LAST_ORDINARY_YEAR) return NaN;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return NaN;
  cachedDate = date;
  cachedDayMicros = daysSince2000(year, month, day) * MICROS_PER_DAY;
  return cachedDayMicros;
}
