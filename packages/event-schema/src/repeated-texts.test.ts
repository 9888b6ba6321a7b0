import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { RepeatedTexts } from './repeated-texts.ts';

it('a text is what its bytes say, whatever stood in its slot before', () => {
  const texts = new RepeatedTexts();
  // One length, one middle and one last letter: all of them share a slot.
  const alike = fc
    .tuple(fc.constantFrom(...'abc'), fc.constantFrom(...'xyz'))
    .map(([a, b]) => `${a}${b}-e`);
  const anything = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          alike.map((text) => Buffer.from(text)),
          anything,
        ),
      ),
      (pieces) => {
        const bytes = Buffer.concat(pieces);
        let start = 0;
        for (const piece of pieces) {
          expect(texts.text(bytes, start, piece.length)).toBe(piece.toString('utf8'));
          start += piece.length;
        }
      },
    ),
  );
});

it('a text that comes again is the same, though the bytes it was read of are gone', () => {
  const texts = new RepeatedTexts();
  const bytes = Buffer.from('a header');
  const first = texts.text(bytes, 0, bytes.length);
  bytes.fill(0x78);
  expect(first).toBe('a header');
  expect(texts.text(Buffer.from('a header'), 0, bytes.length)).toBe('a header');
  expect(texts.text(bytes, 0, bytes.length)).toBe('x'.repeat(bytes.length));
});
