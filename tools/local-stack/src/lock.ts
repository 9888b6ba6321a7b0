import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { StackError } from './errors.ts';
import { identify } from './processes.ts';

const POLL_MS = 200;
/** Longer than a first start with all its installing. */
const LOCK_WAIT_MS = 15 * 60_000;

function ownMark(): string {
  const own = identify(process.pid);
  return `${process.pid} ${own?.startTicks ?? 0}`;
}

function isHeld(path: string): boolean {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return false;
  }
  const [pid, startTicks] = text.split(' ').map(Number);
  return pid !== undefined && identify(pid)?.startTicks === startTicks;
}

/** Runs `work` while no other process of this clone changes the stack. A dead holder's lock is taken over. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const deadline = Date.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      writeFileSync(path, ownMark(), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!isHeld(path)) {
      try {
        unlinkSync(path);
      } catch {
        // Another waiter was faster.
      }
      continue;
    }
    if (Date.now() >= deadline) {
      throw new StackError(`another command still changes the stack (lock ${path})`);
    }
    await delay(POLL_MS);
  }
  try {
    return await work();
  } finally {
    unlinkSync(path);
  }
}
