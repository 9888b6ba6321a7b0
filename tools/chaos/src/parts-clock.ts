/** Starting until all is at work; the faults with what recovers from them; draining, counting anew and closing. */
export type RunPart = 'start' | 'faults' | 'count';

/** Measures how long each part of a run takes; the first begins with it. */
export class PartsClock {
  readonly #seconds: Record<RunPart, number> = { start: 0, faults: 0, count: 0 };
  #part: RunPart = 'start';
  #sinceMs = performance.now();

  begin(part: RunPart): void {
    const nowMs = performance.now();
    this.#seconds[this.#part] += (nowMs - this.#sinceMs) / 1_000;
    this.#part = part;
    this.#sinceMs = nowMs;
  }

  /** Until now. */
  seconds(): Readonly<Record<RunPart, number>> {
    this.begin(this.#part);
    return { ...this.#seconds };
  }
}
