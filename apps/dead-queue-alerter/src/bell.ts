import { pause } from '@adtally/pacing';

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
