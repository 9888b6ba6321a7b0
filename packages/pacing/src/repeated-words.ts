const FIRST_PAUSE_MS = 30_000;
const LAST_PAUSE_MS = 30 * 60_000;

/** Decides when something that lasts is said again: at once when it is new or another, then after growing pauses. */
export class RepeatedWords {
  readonly #said = new Map<string, { words: string; nextMs: number; pauseMs: number }>();

  /** Whether to say it now. `nowMs` is of the monotonic clock. */
  isDue(key: string, words: string, nowMs: number): boolean {
    const said = this.#said.get(key);
    if (said?.words !== words) {
      this.#said.set(key, { words, nextMs: nowMs + FIRST_PAUSE_MS, pauseMs: FIRST_PAUSE_MS });
      return true;
    }
    if (nowMs < said.nextMs) return false;
    said.pauseMs = Math.min(said.pauseMs * 2, LAST_PAUSE_MS);
    said.nextMs = nowMs + said.pauseMs;
    return true;
  }

  /** It is over. @returns whether anything had been said of it */
  end(key: string): boolean {
    return this.#said.delete(key);
  }

  get keys(): string[] {
    return [...this.#said.keys()];
  }
}
