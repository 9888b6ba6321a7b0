import { expect, test } from 'vitest';
import { FetchWindow } from './fetch-window.ts';

const MIB = 1_024 * 1_024;

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
