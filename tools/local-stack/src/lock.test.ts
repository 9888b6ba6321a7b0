import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { withLock } from './lock.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'adtally-lock-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

test('two holders never work at once', async () => {
  const path = join(folder, 'both.lock');
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    inside -= 1;
  };
  await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
  expect(most).toBe(1);
  expect(existsSync(path)).toBe(false);
});

test('the lock of a process that is gone is taken over', async () => {
  const path = join(folder, 'stale.lock');
  // This pid runs, but started at another time: the holder is gone and its pid was reused.
  writeFileSync(path, `${process.pid} 1`);
  expect(await withLock(path, async () => 'done')).toBe('done');
});

test('the lock is given back when the work fails', async () => {
  const path = join(folder, 'failed.lock');
  const failing = withLock(path, async () => {
    throw new Error('no luck');
  });
  await expect(failing).rejects.toThrow('no luck');
  expect(existsSync(path)).toBe(false);
});
