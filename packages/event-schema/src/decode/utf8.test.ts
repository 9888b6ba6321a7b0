import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { codePoints, sequenceEnd } from './utf8.ts';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function isValidByDecoder(bytes: Uint8Array): boolean {
  try {
    decoder.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

test('a sequence is taken exactly where a fatal decoder takes it', () => {
  let taken = 0;
  for (let lead = 0x80; lead <= 0xff; lead += 1) {
    for (let second = 0x7e; second <= 0xc1; second += 1) {
      for (const rest of [[], [0x80], [0xbf], [0xc0], [0x80, 0x80], [0xbf, 0xbf], [0x80, 0x7f]]) {
        const bytes = Uint8Array.from([lead, second, ...rest]);
        const end = sequenceEnd(bytes, 0);
        const shortest = [2, 3, 4].find(
          (length) => length <= bytes.length && isValidByDecoder(bytes.subarray(0, length)),
        );
        // Where a prefix of the bytes is one character, that is the sequence; else there is none.
        const isOne =
          shortest !== undefined && [...decoder.decode(bytes.subarray(0, shortest))].length === 1;
        expect(end, `${[...bytes]}`).toBe(isOne ? shortest : -1);
        if (end > 0) taken += 1;
      }
    }
  }
  expect(taken).toBeGreaterThan(1000);
});

test('code points are counted as JavaScript counts them', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const bytes = Buffer.from(text.toWellFormed());
      expect(codePoints(bytes, 0, bytes.length)).toBe([...text.toWellFormed()].length);
    }),
  );
});
