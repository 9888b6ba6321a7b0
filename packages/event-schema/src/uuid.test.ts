import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { idMillis, TIMELESS_FROM_MS, uuidBytes, uuidText } from './uuid.ts';

const sixteen = fc.uint8Array({ minLength: 16, maxLength: 16 });

describe('uuids', () => {
  it('come back in lower case, whatever the case they were written in', () => {
    fc.assert(
      fc.property(sixteen, (bytes) => {
        const text = uuidText(bytes);
        expect(Uint8Array.from(uuidBytes(text) ?? [])).toEqual(bytes);
        expect(uuidBytes(text.toUpperCase())).toEqual(uuidBytes(text));
        expect(uuidText(Uint8Array.of(1, 2, ...bytes), 2)).toBe(text);
      }),
    );
  });

  it.each([
    '',
    '018bcfe5',
    '018bcfe5-687b-7abc-8def-0123456789ab\n',
    '018bcfe5-687b-7abc-8def0-123456789ab',
  ])('%j is no uuid', (text) => {
    expect(uuidBytes(text)).toBeNull();
  });

  const millisOf = (text: string): number => idMillis(uuidBytes(text) ?? new Uint8Array(16));
  const bornAt = (millis: number): string => {
    const hex = millis.toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-bfff-ffffffffffff`;
  };

  it('of version 7 tell their millisecond, up to the last before 2100', () => {
    expect(millisOf('018bcfe5-687b-7abc-8def-0123456789ab')).toBe(1_700_000_000_123);
    expect(millisOf('00000000-0000-7000-8000-000000000000')).toBe(0);
    expect(millisOf(bornAt(TIMELESS_FROM_MS - 1))).toBe(TIMELESS_FROM_MS - 1);
    expect(millisOf(bornAt(TIMELESS_FROM_MS))).toBe(-1);
    expect(millisOf('ffffffff-ffff-7000-bfff-ffffffffffff')).toBe(-1);
  });

  it('of another version or variant carry no time', () => {
    expect(millisOf('018bcfe5-687b-4abc-8def-0123456789ab')).toBe(-1);
    expect(millisOf('018bcfe5-687b-7abc-0def-0123456789ab')).toBe(-1);
    expect(millisOf('018bcfe5-687b-7abc-cdef-0123456789ab')).toBe(-1);
  });
});
