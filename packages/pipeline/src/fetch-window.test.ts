import { expect, test } from 'vitest';
import { FetchWindow, heldBytes } from './fetch-window.ts';

const MIB = 1_024 * 1_024;

test('every byte a record holds is counted: key, value, names and values of headers', () => {
  const place = { topic: 't', partition: 0, offset: 0 };
  expect(heldBytes({ ...place, key: null, value: null })).toBe(0);
  expect(heldBytes({ ...place, key: Buffer.alloc(3), value: Buffer.alloc(50) })).toBe(53);
  const bare = heldBytes({ ...place, key: null, value: null, headers: [{}] });
  const headers = [{ name: Buffer.alloc(7_000) }, { two: 'text', three: undefined }];
  expect(heldBytes({ ...place, key: null, value: null, headers })).toBe(2 * bare + 7_004 + 12);
  // Empty headers cost memory too.
  expect(bare).toBeGreaterThan(100);
});

test('a window opens by doubling while records are small and closes at once where one is large', () => {
  const window = new FetchWindow();
  const sizes = [];
  for (const largest of [300, 300, 300, 300, 300, 900_000, 16 * MIB, 100 * MIB, 300, 300]) {
    sizes.push(window.limit(5_000));
    window.learn(largest);
  }
  expect(sizes).toEqual([16, 32, 64, 128, 250, 250, 18, 1, 1, 2]);
  expect(window.limit(3)).toBe(3);
});
