import { setTimeout as delay } from 'node:timers/promises';

/** The wait after so many failures in a row: doubling, bounded, jittered to between half and all of it. */
export function backoffMs(failures: number, firstMs: number, lastMs: number): number {
  const full = Math.min(firstMs * 2 ** Math.max(failures - 1, 0), lastMs);
  return full / 2 + (Math.random() * full) / 2;
}

/** Waits, or until the signal fires. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}

/** Those who wait look again when it rings. */
export class Bell {
  #rung = Promise.withResolvers<void>();

  ring(): void {
    this.#rung.resolve();
    this.#rung = Promise.withResolvers<void>();
  }

  /** Waits for the bell, at most so long, or until the signal fires. */
  async wait(maxMs: number, signal: AbortSignal): Promise<void> {
    const done = new AbortController();
    const timeout = pause(maxMs, AbortSignal.any([signal, done.signal]));
    await Promise.race([this.#rung.promise, timeout]);
    done.abort();
  }
}
