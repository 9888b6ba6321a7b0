import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyMicros2000 } from '../test/arbitraries.ts';
import {
  daysSince2000,
  parseTime,
  POSTGRES_EPOCH_MS,
  TIME_MAX_MICROS,
  TIME_MIN_MICROS,
  timeText,
} from './time.ts';

describe('times', () => {
  it.each([
    ['2000-01-01T00:00:00Z', 0n],
    ['1999-12-31T23:59:59.999999Z', -1n],
    ['2000-01-01T00:00:00.1Z', 100_000n],
    ['2000-01-01T00:00:00.000001+00:00', 1n],
    ['2000-02-29t00:00:00z', 59n * 86_400_000_000n],
    ['2024-02-29T23:59:59.5Z', 762_566_399_500_000n],
    ['0001-01-01T00:00:00Z', -63_082_281_600_000_000n],
    ['9999-12-31T23:59:59.999999Z', 252_455_615_999_999_999n],
    ['0000-12-31T23:00:00-01:00', TIME_MIN_MICROS],
    ['9999-12-31T23:59:59.999999999-00:00', TIME_MAX_MICROS],
  ])('%s is %s microseconds from 2000-01-01', (text, micros) => {
    expect(parseTime(text)).toBe(micros);
  });

  it.each([
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2024-04-31T00:00:00Z',
    '2024-00-10T00:00:00Z',
    '2024-13-10T00:00:00Z',
    '2024-01-00T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '2024-01-01T24:00:00Z',
    '2024-01-01T23:60:00Z',
    '2016-12-31T23:59:60Z',
    '2024-01-01T00:00:00',
    '2024-01-01 00:00:00Z',
    '2024-01-01T00:00:00.Z',
    '2024-01-01T00:00:00,5Z',
    '2024-01-01T00:00:00+0000',
    '2024-01-01T01:00:00+1:00',
    '2024-01-01T01:00:00+01',
    '2024-01-01T01:00:00+24:00',
    '2024-01-01T01:00:00+01:60',
    '2024-01-01T01:00:00+01:00Z',
    '2024-01-01T01:00:00 +01:00',
    '2024-01-01T01:00:00+01:00[Europe/Berlin]',
    '2024-01-01T00:00',
    '2024-01-01T00Z',
    '2024-01-01T00:00.5Z',
    '0000-12-31T23:59:59.999999Z',
    '0001-01-01T00:59:59+01:00',
    '9999-12-31T23:00:00-01:00',
    '+002024-01-01T00:00:00Z',
    '10000-01-01T00:00:00Z',
    '2024-01-01',
    '2024-01-01T00:00:00Z\n',
    ' 2024-01-01T00:00:00Z',
    '٢٠٢٤-01-01T00:00:00Z',
    '',
  ])('%j is no time of the contract', (text) => {
    expect(parseTime(text)).toBeNull();
  });

  it.each([
    ['Go, Java Instant, chrono: nanoseconds', '2026-03-01T12:34:56.123456789Z'],
    ['.NET, Temporal: ticks', '2026-03-01T12:34:56.1234567Z'],
    ['Python', '2026-03-01T12:34:56.123456+00:00'],
    ['Python in a zone', '2026-03-01T18:04:56.123456+05:30'],
    ['Java OffsetDateTime west of UTC', '2026-02-28T23:34:56.123456999-13:00'],
    ['more digits than any clock has', `2026-03-01T12:34:56.123456${'9'.repeat(40)}Z`],
  ])('one instant, as %s: the same time', (_who, text) => {
    expect(parseTime(text)).toBe(parseTime('2026-03-01T12:34:56.123456Z'));
  });

  it('may be whole minutes, as Java prints them', () => {
    expect(parseTime('2026-03-01T12:00Z')).toBe(parseTime('2026-03-01T12:00:00Z'));
    expect(parseTime('2026-03-01T14:00+02:00')).toBe(parseTime('2026-03-01T12:00:00Z'));
  });

  it('come back exactly, to the microsecond, over all years', () => {
    fc.assert(
      fc.property(anyMicros2000, (micros) => {
        const text = timeText(micros);
        expect(text).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(parseTime(text)).toBe(micros);
      }),
    );
  });

  it('count days as the built-in calendar does', () => {
    const days = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T00:00:00Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(days, (date) => {
        const day = daysSince2000(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
        expect(day).toBe(Math.floor((date.getTime() - POSTGRES_EPOCH_MS) / 86_400_000));
      }),
    );
  });
});
