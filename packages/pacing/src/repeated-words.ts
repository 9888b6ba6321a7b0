/** The pause after something was said first doubles each time it is said again, up to the last. */
export interface SayingPace {
  readonly firstPauseMs: number;
  readonly lastPauseMs: number;
}

const PACE: SayingPace = { firstPauseMs: 30_000, lastPauseMs: 30 * 60_000 };

/** Decides when something that lasts is said again: at once when it is new or another, then after growing pauses. */
export class RepeatedWords<K extends string = string> {
  readonly #said = new Map<K, { words: string; nextMs: number; pauseMs: number }>();
  readonly #pace: SayingPace;

  constructor(pace: SayingPace = PACE) {
    this.#pace = pace;
  }

  /** Whether to say it now. `nowMs` is of the monotonic clock. */
  isDue(key: K, words: string, nowMs: number): boolean {
    const said = this.#said.get(key);
    if (said?.words !== words) {
      const { firstPauseMs: pauseMs } = this.#pace;
      this.#said.set(key, { words, nextMs: nowMs + pauseMs, pauseMs });
      return true;
    }
    if (nowMs < said.nextMs) return false;
    said.pauseMs = Math.min(said.pauseMs * 2, this.#pace.lastPauseMs);
    said.nextMs = nowMs + said.pauseMs;
    return true;
  }

  /** It is over. @returns whether anything had been said of it */
  end(key: K): boolean {
    return this.#said.delete(key);
  }

  get keys(): K[] {
    return [...this.#said.keys()];
  }
}
