/** Tells whether a loop still turns. The loop beats once a turn, idle or waiting for a database too. */
export class Heartbeat {
  readonly #maxAgeMs: number;
  #lastBeatMs = performance.now();

  /** @param maxAgeMs longer than the longest turn: a batch with all its retries of one statement. */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  beat(): void {
    this.#lastBeatMs = performance.now();
  }

  get ageMs(): number {
    return performance.now() - this.#lastBeatMs;
  }

  get isFresh(): boolean {
    return this.ageMs <= this.#maxAgeMs;
  }
}
