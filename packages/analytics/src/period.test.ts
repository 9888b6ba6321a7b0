import { parseValue, UsageError } from '@adtally/command-line';
import { describe, expect, it, test } from 'vitest';
import {
  daysOf,
  hoursOf,
  isOnUtcHours,
  month,
  monthPeriod,
  periodBound,
  periodOf,
  timeZone,
} from './period.ts';

const iso = (ms: number) => new Date(ms).toISOString();
const of = (from: string, to: string, zone: string) => periodOf({ from, to, timeZone: zone });

describe('a time zone', () => {
  it.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Port-au-Prince', 'Etc/GMT+5'])(
    'may be %s',
    (name) => expect(parseValue('--time-zone', timeZone, name)).toBe(name),
  );

  it.each([
    'Europe/Berlim',
    'europe/berlin',
    'Europe/BERLIN',
    'Utc',
    '+05:30',
    'GMT+5',
    'Mars/Olympus',
    '',
    'UTC ',
  ])('is not "%s"', (name) => {
    const parse = () => parseValue('--time-zone', timeZone, name);
    expect(parse).toThrow(UsageError);
    expect(parse).toThrow(`"${name}"`);
  });

  it('that is misspelt is answered with the one that was meant', () => {
    expect(() => parseValue('--time-zone', timeZone, 'Europe/Berlim')).toThrow('Europe/Berlin');
  });
});

test.each(['2026-03-01', '2026-03-01T12:00Z', '2026-03-01T12:00:00.000+05:30', '2024-02-29'])(
  'a bound may be %s',
  (given) => expect(parseValue('--from', periodBound, given)).toBe(given),
);

test.each([
  '2026-02-29',
  '2026-3-1',
  '2026-03-01T12:30:00Z',
  '2026-03-01T12:00:01Z',
  '2026-03-01T12:00:00',
  '2026-03-01T24:00Z',
  '0000-01-01',
  'yesterday',
])('a bound is not %s', (given) => {
  expect(() => parseValue('--from', periodBound, given)).toThrow('must be a day such as');
});

test('a period ends before its second bound, and has something between them', () => {
  const { fromMs, toMs } = of('2026-03-01', '2026-03-02', 'UTC');
  expect([iso(fromMs), iso(toMs)]).toEqual([
    '2026-03-01T00:00:00.000Z',
    '2026-03-02T00:00:00.000Z',
  ]);
  expect(() => of('2026-03-31', '2026-03-31', 'UTC')).toThrow(/for the one day --to 2026-04-01/);
  expect(() => of('2026-03-01T12:00Z', '2026-03-01', 'UTC')).toThrow('must lie after --from');
});

test.each([
  ['0001-01-01', '0001-01-03', 'Asia/Tokyo'],
  ['9999-12-30', '9999-12-31T23:00:00-12:00', 'UTC'],
])('from %s to %s in %s is more than a database can be asked', (from, to, zone) => {
  expect(() => of(from, to, zone)).toThrow('the years 1 to 9999 of UTC');
  expect(() => monthPeriod('9999-12', 'UTC')).toThrow(UsageError);
});

test('a month is one of its zone', () => {
  expect(parseValue('--month', month, '2026-10')).toBe('2026-10');
  expect(() => parseValue('--month', month, '2026-13')).toThrow('must be a month');
  const { fromMs, toMs } = monthPeriod('2026-10', 'Europe/Berlin');
  expect([iso(fromMs), iso(toMs)]).toEqual([
    '2026-09-30T22:00:00.000Z',
    '2026-10-31T23:00:00.000Z',
  ]);
});

test.each([
  ['2026-03-29', 'Europe/Berlin', 23],
  ['2026-10-25', 'Europe/Berlin', 25],
  ['2026-03-28', 'Europe/Berlin', 24],
  ['2026-04-05', 'Australia/Lord_Howe', 24.5],
  // Clocks went from 23:30 to 00:30: the day began at half past midnight.
  ['1919-03-31', 'America/Toronto', 23.5],
])('%s in %s has %d hours', (day, zone, hours) => {
  const next = iso(Date.parse(day) + 86_400_000).slice(0, 10);
  const days = daysOf(of(day, next, zone));
  expect(days.map(({ label }) => label)).toEqual([day]);
  expect(((days[0]?.toMs ?? 0) - (days[0]?.fromMs ?? 0)) / 3_600_000).toBe(hours);
  const parts = hoursOf(of(day, next, zone));
  expect(parts).toHaveLength(Math.ceil(hours));
  expect(new Set(parts.map(({ label }) => label)).size).toBe(parts.length);
  expect(parts.at(-1)?.toMs).toBe(days[0]?.toMs);
});

test('a day that a zone never had is none', () => {
  const days = daysOf(of('2011-12-29', '2012-01-01', 'Pacific/Apia'));
  expect(days.map(({ label }) => label)).toEqual(['2011-12-29', '2011-12-31']);
});

test('instants cut the days they lie in', () => {
  const period = of('2026-10-24T20:00Z', '2026-10-25T03:00Z', 'Europe/Berlin');
  expect(daysOf(period)).toEqual([
    { label: '2026-10-24', fromMs: Date.UTC(2026, 9, 24, 20), toMs: Date.UTC(2026, 9, 24, 22) },
    { label: '2026-10-25', fromMs: Date.UTC(2026, 9, 24, 22), toMs: Date.UTC(2026, 9, 25, 3) },
  ]);
  expect(hoursOf(period).map(({ label }) => label)).toEqual([
    '2026-10-24T22:00:00+02:00',
    '2026-10-24T23:00:00+02:00',
    '2026-10-25T00:00:00+02:00',
    '2026-10-25T01:00:00+02:00',
    '2026-10-25T02:00:00+02:00',
    '2026-10-25T02:00:00+01:00',
    '2026-10-25T03:00:00+01:00',
  ]);
});

test('days of zones with half and quarter hours do not lie on hours of UTC', () => {
  const aligned = (zone: string) => isOnUtcHours(daysOf(of('2026-03-01', '2026-03-03', zone)));
  expect(aligned('Europe/Berlin')).toBe(true);
  expect(aligned('Asia/Kolkata')).toBe(false);
  expect(aligned('Asia/Kathmandu')).toBe(false);
});

test('more lines than anybody reads are refused', () => {
  expect(() => hoursOf(of('2000-01-01', '2020-01-01', 'UTC'))).toThrow('ask for a shorter time');
});
