import { Buffer } from 'node:buffer';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canonicalImpressionKey,
  IMPRESSION_KEY_BYTES,
  partitionFor,
  writeImpressionKey,
} from './partition-key.ts';

describe('the partition key', () => {
  it('is the canonical lower case text, as a string and as bytes written in place', () => {
    const id = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(id, fc.nat(5), (bytes, offset) => {
        const target = Buffer.alloc(IMPRESSION_KEY_BYTES);
        writeImpressionKey(target, Buffer.concat([Buffer.alloc(offset), bytes]), offset);
        expect(target.toString('latin1')).toBe(canonicalImpressionKey(bytes));
        expect(target.toString('latin1')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      }),
    );
  });

  it('gives every key a partition that exists', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 1000 }),
        (key, count) => {
          const partition = partitionFor(key, count);
          expect(Number.isInteger(partition) && partition >= 0 && partition < count).toBe(true);
        },
      ),
    );
  });
});
