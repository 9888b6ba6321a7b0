import { pause } from './pause.ts';

/** The service is stopping and will not wait any longer; nothing that was not committed is lost. */
export class Abandoned extends Error {
  override readonly name = 'Abandoned';

  constructor(doing: string) {
    super(`${doing}: given up because the service stops`);
  }
}

/** More doublings than any range has; 2 to the power of it is still a number. */
const DOUBLINGS_MAX = 40;

/**
 * The wait in milliseconds after so many failures in a row (1 = the first): doubling from `firstMs` to
 * `lastMs`, jittered to between half and all of itself, so that what failed together does not come back
 * together.
 */
export function backoffMs(failures: number, firstMs: number, lastMs: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), DOUBLINGS_MAX);
  const full = Math.min(firstMs * 2 ** doublings, lastMs);
  return full / 2 + (Math.random() * full) / 2;
}

/** The waits of one endeavour, each as `backoffMs` has it. */
export class Backoff {
  readonly #firstMs: number;
  readonly #lastMs: number;
  #attempts = 0;

  constructor(firstMs: number, lastMs: number) {
    this.#firstMs = firstMs;
    this.#lastMs = lastMs;
  }

  /** How often it has waited. */
  get attempts(): number {
    return this.#attempts;
  }

  /** Waits; throws `Abandoned` at once when the signal fires. */
  async wait(signal: AbortSignal, doing: string): Promise<void> {
    if (!signal.aborted) {
      this.#attempts += 1;
      await pause(backoffMs(this.#attempts, this.#firstMs, this.#lastMs), signal);
    }
    if (signal.aborted) throw new Abandoned(doing);
  }
}
