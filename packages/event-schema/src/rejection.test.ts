import { expect, it } from 'vitest';
import { rejectionFingerprint } from './rejection.ts';

const BASE = { code: 'out_of_range', field: 'campaign_id' };

it('a fingerprint stays the same where only ids, numbers or quoted text differ', () => {
  const a = `"abc" of 70 in 0192f0c1-2a3b-7c4d-8e5f-60718293a4b5, offset 7`;
  const b = `"x y" of 80.5 in 0192F0C1-0000-7c4d-8e5f-000000000000, offset 123456`;
  const prints = [a, b].map((message) => rejectionFingerprint({ ...BASE, message }));
  expect(prints[0]).toBe(prints[1]);
  expect(prints[0]).toMatch(/^[0-9a-f]{16}$/);
});

it('a fingerprint differs by code, field, words and SQLSTATE', () => {
  const message = 'PostgreSQL refuses this row: SQLSTATE 23514';
  const prints = [
    { ...BASE, message },
    { ...BASE, message, code: 'data_refused' },
    { ...BASE, message, field: 'creative_id' },
    { code: BASE.code, message },
    { ...BASE, message: 'PostgreSQL refuses this row: SQLSTATE 22003' },
    { ...BASE, message: 'PostgreSQL refuses that row: SQLSTATE 23514' },
  ].map(rejectionFingerprint);
  expect(new Set(prints).size).toBe(prints.length);
});

it('a fingerprint is of code, field and message apart, and the same however often it is asked for', () => {
  const prints = () =>
    [
      { code: 'ab', field: 'c', message: 'd' },
      { code: 'a', field: 'bc', message: 'd' },
      { code: 'ab', message: 'cd' },
      { code: 'a', field: 'b', message: 'cd' },
    ].map(rejectionFingerprint);
  const first = prints();
  expect(new Set(first).size).toBe(first.length);
  for (let n = 0; n < 2_000; n += 1)
    rejectionFingerprint({ ...BASE, message: `cause ${String.fromCharCode(0x4e00 + n)}` });
  expect(prints()).toEqual(first);
});

it('a fingerprint stays what it was: it stands in tables, topics and the notes of people', () => {
  const message = `longer than 70, is "x", in 0192f0c1-2a3b-7c4d-8e5f-60718293a4b5`;
  expect(rejectionFingerprint({ ...BASE, message })).toBe('fe27eba87ef312b5');
});
