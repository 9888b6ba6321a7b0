import { expect, test } from 'vitest';
import { readConfig } from './env.ts';

const NEEDED = { DATABASE_URL: 'postgres://localhost/adtally' };

test('events are kept for ever where nothing is set', () => {
  expect(readConfig(NEEDED)).toMatchObject({
    eventsRetentionDays: null,
    timelessRetentionDays: null,
    lateWindowDays: 8,
    dedupTtlSeconds: 21_600,
  });
});

test('a retention as long as the windows is taken', () => {
  const env = { ...NEEDED, EVENTS_RETENTION_DAYS: '8', TIMELESS_RETENTION_DAYS: '8' };
  expect(readConfig(env)).toMatchObject({ eventsRetentionDays: 8, timelessRetentionDays: 8 });
  const short = { ...NEEDED, EVENTS_RETENTION_DAYS: '1', LATE_WINDOW_DAYS: '1' };
  expect(readConfig({ ...short, DEDUP_TTL_SECONDS: '86400' })).toMatchObject({
    eventsRetentionDays: 1,
  });
});

test.each(['EVENTS_RETENTION_DAYS', 'TIMELESS_RETENTION_DAYS'])(
  '%s shorter than a window within which events still come is refused, with both names',
  (variable) => {
    expect(() => readConfig({ ...NEEDED, [variable]: '7' })).toThrow(
      `${variable}=7 is shorter than LATE_WINDOW_DAYS=8`,
    );
    const env = { ...NEEDED, LATE_WINDOW_DAYS: '1', [variable]: '1' };
    expect(() => readConfig({ ...env, DEDUP_TTL_SECONDS: '86401' })).toThrow(
      `${variable}=1 is shorter than the redelivery window, DEDUP_TTL_SECONDS=86401`,
    );
    expect(() => readConfig({ ...NEEDED, [variable]: '0' })).toThrow(`${variable}: "0"`);
  },
);
