import { expect, test } from 'vitest';
import { readConfig } from './env.ts';

const NEEDED = { DATABASE_URL: 'postgres://localhost/adtally' };

test('events are kept for ever where nothing is set', () => {
  expect(readConfig(NEEDED)).toMatchObject({
    eventsRetentionDays: null,
    lateWindowDays: 8,
    dedupTtlSeconds: 21_600,
  });
});

test('a retention as long as the windows is taken', () => {
  expect(readConfig({ ...NEEDED, EVENTS_RETENTION_DAYS: '8' })).toMatchObject({
    eventsRetentionDays: 8,
  });
  const short = { ...NEEDED, EVENTS_RETENTION_DAYS: '1', LATE_WINDOW_DAYS: '1' };
  expect(readConfig({ ...short, DEDUP_TTL_SECONDS: '86400' })).toMatchObject({
    eventsRetentionDays: 1,
  });
});

test('a retention shorter than a window within which events still come is refused, with both names', () => {
  expect(() => readConfig({ ...NEEDED, EVENTS_RETENTION_DAYS: '7' })).toThrow(
    'EVENTS_RETENTION_DAYS=7 is shorter than LATE_WINDOW_DAYS=8',
  );
  const env = { ...NEEDED, LATE_WINDOW_DAYS: '1', EVENTS_RETENTION_DAYS: '1' };
  expect(() => readConfig({ ...env, DEDUP_TTL_SECONDS: '86401' })).toThrow(
    'EVENTS_RETENTION_DAYS=1 is shorter than the redelivery window, DEDUP_TTL_SECONDS=86401',
  );
  expect(() => readConfig({ ...NEEDED, EVENTS_RETENTION_DAYS: '0' })).toThrow(
    'EVENTS_RETENTION_DAYS: "0"',
  );
});

test('that of ids without a time is held to the same windows, and to a word where an archive is kept', () => {
  expect(readConfig(NEEDED)).toMatchObject({ timelessRetentionDays: null });
  expect(() => readConfig({ ...NEEDED, TIMELESS_RETENTION_DAYS: '7' })).toThrow(
    'TIMELESS_RETENTION_DAYS=7 is shorter than LATE_WINDOW_DAYS=8',
  );
  const short = { ...NEEDED, LATE_WINDOW_DAYS: '1', TIMELESS_RETENTION_DAYS: '1' };
  expect(() => readConfig({ ...short, DEDUP_TTL_SECONDS: '86401' })).toThrow(
    'TIMELESS_RETENTION_DAYS=1 is shorter than the redelivery window, DEDUP_TTL_SECONDS=86401',
  );
  const archived = { ...NEEDED, TIMELESS_RETENTION_DAYS: '30', ARCHIVE_URL: 'file:///archive' };
  expect(() => readConfig(archived)).toThrow('say so by TIMELESS_WITHOUT_ARCHIVE=true');
  expect(readConfig({ ...archived, TIMELESS_WITHOUT_ARCHIVE: 'true' })).toMatchObject({
    timelessRetentionDays: 30,
  });
});
