const SECOND_MS = 1_000;

/**
 * Bounds a rate: in any `t` seconds at most `perSecond * t + burst` tokens can be taken. Knows no clock:
 * every call says what time it is, in milliseconds on a clock that never goes back.
 */
export class TokenBucket {
  readonly #perSecond: number;
  readonly burst: number;
  #tokens = 0;
  #filledAtMs: number;

  /** Starts empty. */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond;
    this.burst = burst;
    this.#filledAtMs = nowMs;
  }

  /** Whole tokens at hand. */
  available(nowMs: number): number {
    const grown = (Math.max(0, nowMs - this.#filledAtMs) * this.#perSecond) / SECOND_MS;
    this.#tokens = Math.min(this.burst, this.#tokens + grown);
    this.#filledAtMs = Math.max(nowMs, this.#filledAtMs);
    return Math.floor(this.#tokens);
  }

  /** Takes tokens that `available` named. */
  take(count: number): void {
    this.#tokens -= count;
  }
}
