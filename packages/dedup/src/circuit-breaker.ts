/**
 * Stops asking for a short while after repeated time-outs: a Redis that answers too late would
 * otherwise cost every batch its whole budget. One answer in time closes it.
 */
export class CircuitBreaker {
  readonly #threshold: number;
  readonly #openMs: number;
  #failures = 0;
  #openUntilMs = 0;

  constructor(threshold: number, openMs: number) {
    this.#threshold = threshold;
    this.#openMs = openMs;
  }

  isOpen(nowMs: number): boolean {
    return nowMs < this.#openUntilMs;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Opens at the threshold; after the pause one more failure opens it again. */
  failed(nowMs: number): void {
    this.#failures += 1;
    if (this.#failures >= this.#threshold) this.#openUntilMs = nowMs + this.#openMs;
  }
}
