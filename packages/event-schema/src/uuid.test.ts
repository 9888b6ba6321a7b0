import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { uuidBytes, uuidText, uuidV7Millis } from './uuid.ts';

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

  it('of version 7 tell their millisecond, up to the last one', () => {
    const millisOf = (text: string): number => uuidV7Millis(uuidBytes(text) ?? new Uint8Array(16));
    expect(millisOf('018bcfe5-687b-7abc-8def-0123456789ab')).toBe(1_700_000_000_123);
    expect(millisOf('ffffffff-ffff-7000-bfff-ffffffffffff')).toBe(2 ** 48 - 1);
    expect(millisOf('00000000-0000-7000-8000-000000000000')).toBe(0);
  });

  it('of another version or variant carry no time', () => {
    const millisOf = (text: string): number => uuidV7Millis(uuidBytes(text) ?? new Uint8Array(16));
    expect(millisOf('018bcfe5-687b-4abc-8def-0123456789ab')).toBe(-1);
    expect(millisOf('018bcfe5-687b-7abc-0def-0123456789ab')).toBe(-1);
    expect(millisOf('018bcfe5-687b-7abc-cdef-0123456789ab')).toBe(-1);
  });
});
