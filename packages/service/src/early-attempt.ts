import { pause } from '@adtally/pacing';

/** What was opened ahead and is not asked for by then is closed: nobody looks after it, and what it was opened by may change. */
const UNTAKEN_MAX_MS = 5_000;
/** Who closes waits no longer for an attempt under way; what that still comes to is closed behind its back. */
const UNSETTLED_MAX_MS = 1_000;

/**
 * Something that is attempted until it is had. The first attempt begins at once, beside what is waited for before it; only its
 * success is of use later, for a failure may be over by then.
 */
export class EarlyAttempt<T> {
  readonly #attempt: () => Promise<T>;
  readonly #close: (opened: T) => Promise<void> | void;
  /** The first one, while it may be taken. */
  #early: Promise<T> | null;
  /** The last one that was begun, and is to be closed. */
  #latest: Promise<T> | null;
  #untaken: NodeJS.Timeout | undefined;

  constructor(attempt: () => Promise<T>, close: (opened: T) => Promise<void> | void) {
    this.#attempt = attempt;
    this.#close = close;
    const early = attempt();
    this.#early = early;
    this.#latest = early;
    early.then(
      () => {
        if (this.#early !== early) return;
        this.#untaken = setTimeout(() => void this.close().catch(() => undefined), UNTAKEN_MAX_MS);
        this.#untaken.unref();
      },
      () => {
        if (this.#early === early) this.#early = null;
      },
    );
  }

  /** What the first attempt opened or is about to; where there is nothing of it, or it was taken, another attempt. */
  take(): Promise<T> {
    clearTimeout(this.#untaken);
    this.#latest = this.#early ?? this.#attempt();
    this.#early = null;
    return this.#latest;
  }

  /** Closes what was opened last. Rejects with what `close` rejects with. */
  async close(): Promise<void> {
    clearTimeout(this.#untaken);
    const latest = this.#latest;
    this.#early = null;
    this.#latest = null;
    if (latest === null) return;
    const closing = latest.then(
      (opened) => this.#close(opened),
      () => undefined,
    );
    closing.catch(() => undefined);
    const settled = new AbortController();
    void Promise.allSettled([latest]).then(() => settled.abort());
    await pause(UNSETTLED_MAX_MS, settled.signal);
    if (settled.signal.aborted) await closing;
  }
}
