import { pause } from './pause.ts';

export interface RecurringTaskOptions {
  /** From the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Before the first run; where it is not given, as long as between two. */
  readonly firstAfterMs?: number;
  /**
   * One run; it may say in how many milliseconds the next is due. The signal fires when the task is stopped,
   * which waits for the run.
   */
  readonly run: (signal: AbortSignal) => Promise<number | void>;
  /** Told of a run that failed; the task goes on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Something done again and again beside everything else, never twice at once. `stop` waits for the run in
 * hand and may come before the start, or twice; what was stopped does not start again.
 */
export class RecurringTask {
  readonly #options: RecurringTaskOptions;
  readonly #stopping = new AbortController();
  #repeating: Promise<void> | null = null;

  constructor(options: RecurringTaskOptions) {
    this.#options = options;
  }

  start(): void {
    this.#repeating ??= this.#repeat();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#repeating;
  }

  async #repeat(): Promise<void> {
    const { everyMs, firstAfterMs = everyMs, run, onError } = this.#options;
    const { signal } = this.#stopping;
    let waitMs = firstAfterMs;
    for (;;) {
      await pause(waitMs, signal);
      if (signal.aborted) return;
      waitMs = everyMs;
      try {
        waitMs = (await run(signal)) ?? everyMs;
      } catch (error) {
        onError(error);
      }
    }
  }
}
