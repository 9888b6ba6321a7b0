import { setTimeout as delay } from 'node:timers/promises';

/** The service is stopping and will not wait any longer; nothing that was not committed is lost. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';

  constructor(doing: string) {
    super(`${doing}: given up because the service stops`);
  }
}

/** Waits that grow from `firstMs` to `lastMs`, each jittered to between half and all of itself. */
export class Backoff {
  readonly #firstMs: number;
  readonly #lastMs: number;
  #attempts = 0;

  constructor(firstMs: number, lastMs: number) {
    this.#firstMs = firstMs;
    this.#lastMs = lastMs;
  }

  get attempts(): number {
    return this.#attempts;
  }

  /** The next wait in milliseconds. */
  next(): number {
    const full = Math.min(this.#firstMs * 2 ** this.#attempts, this.#lastMs);
    this.#attempts += 1;
    return full / 2 + (Math.random() * full) / 2;
  }

  /** Waits; throws `Abandoned` at once when the signal fires. */
  async wait(signal: AbortSignal, doing: string): Promise<void> {
    if (signal.aborted) throw new Abandoned(doing);
    try {
      await delay(this.next(), undefined, { signal });
    } catch {
      throw new Abandoned(doing);
    }
  }
}
