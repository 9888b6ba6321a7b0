import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** What is waited for, for the error message. */
  readonly what: string;
  readonly timeoutMs?: number;
  readonly intervalMs?: number;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const DEFAULT_INTERVAL_MS = 20;

/**
 * Asks until the answer is truthy and returns it. For states only visible by asking (a row, a lag);
 * where the code under test can tell, use `signal`. A condition that throws counts as "not yet",
 * and its last error is the cause of the timeout.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions,
): Promise<NonNullable<Exclude<T, false>>> {
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value) return value as NonNullable<Exclude<T, false>>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs} ms for ${options.what}`, { cause: lastError });
    }
    await sleep(options.intervalMs ?? DEFAULT_INTERVAL_MS);
  }
}

/** Something one side fires and the other awaits; firing again changes nothing. */
export interface Signal<T = void> {
  readonly fired: Promise<T>;
  readonly hasFired: boolean;
  fire(value: T): void;
}

export function signal<T = void>(): Signal<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  let hasFired = false;
  return {
    fired: promise,
    get hasFired() {
      return hasFired;
    },
    fire(value) {
      hasFired = true;
      resolve(value);
    },
  };
}
