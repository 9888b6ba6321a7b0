import { setTimeout as sleep } from 'node:timers/promises';
import { DemoError } from './errors.ts';

export interface WaitOptions {
  /** Completes "waited too long for ...". */
  readonly what: string;
  readonly limitMs: number;
  readonly pollMs: number;
  readonly signal: AbortSignal;
}

/**
 * Asks until there is an answer.
 * @throws DemoError past the limit; the signal's reason when it is aborted.
 */
export async function waitFor<T>(
  options: WaitOptions,
  ask: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = performance.now() + options.limitMs;
  for (;;) {
    options.signal.throwIfAborted();
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() > deadline) {
      const seconds = Math.round(options.limitMs / 1000);
      throw new DemoError(`waited ${seconds} s for ${options.what}, and gave up`);
    }
    await sleep(options.pollMs);
  }
}
