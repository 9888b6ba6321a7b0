import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { int8Array, textsOf } from './encode-arrays.ts';

const HEADER_BYTES = 20;

test('a bigint[] holds each safe integer, also what is below zero, and refuses any other number', () => {
  fc.assert(
    fc.property(fc.array(fc.maxSafeInteger()), (values) => {
      const encoded = int8Array(values);
      const found = values.map((_, index) => encoded.readBigInt64BE(HEADER_BYTES + index * 12 + 4));
      expect(found).toEqual(values.map(BigInt));
    }),
  );
  for (const value of [0.5, NaN, 2 ** 53]) expect(() => int8Array([value])).toThrow(RangeError);
});

test('a text[] holds each text, whether it is what the one before was or not', () => {
  const someTexts = fc.array(fc.constantFrom('', 'a', 'b', 'grün', '字'));
  fc.assert(
    fc.property(someTexts, (texts) => {
      const encoded = textsOf(texts);
      let at = HEADER_BYTES;
      for (const text of texts) {
        const length = encoded.readInt32BE(at);
        expect(encoded.toString('utf8', at + 4, at + 4 + length)).toBe(text);
        at += 4 + length;
      }
      expect(at).toBe(encoded.length);
    }),
  );
});
