/** Tells whether a loop still turns. The loop beats once a turn, idle or waiting for a database too. */
export class Heartbeat {
  readonly #maxAgeMs: number;
  #lastBeatMs = performance.now();
  #hasBeaten = false;

  /** @param maxAgeMs longer than the longest turn: a batch with all its retries of one statement. */
  constructor(maxAgeMs: number) {
    this.#maxAgeMs = maxAgeMs;
  }

  beat(): void {
    this.#hasBeaten = true;
    this.#lastBeatMs = performance.now();
  }

  /** Whether it has beaten at all: one that was just made is fresh, and its loop may never come to turn. */
  get hasBeaten(): boolean {
    return this.#hasBeaten;
  }

  get ageMs(): number {
    return performance.now() - this.#lastBeatMs;
  }

  get isFresh(): boolean {
    return this.ageMs <= this.#maxAgeMs;
  }
}
