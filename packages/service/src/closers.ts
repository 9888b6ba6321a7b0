import type { Logger } from '@adtally/telemetry';
import { EarlyAttempt } from './early-attempt.ts';

/** What was opened, to be closed in reverse; one that fails to close does not keep the others open. */
export class Closers {
  readonly #log: Logger;
  readonly #closers: (() => Promise<void> | void)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /**
   * Begins an attempt now, beside what is waited for before it, and returns what is called for its success; called again, or after
   * a failure, it attempts again. What was opened last is closed at this place of the order, taken or not.
   */
  ahead<T>(
    attempt: () => Promise<T>,
    close: (opened: T) => Promise<void> | void = () => undefined,
  ): () => Promise<T> {
    const early = new EarlyAttempt(attempt, close);
    this.add(() => early.close());
    return () => early.take();
  }

  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        this.#log.warn({ err: error }, 'closing a connection failed');
      }
    }
  }
}

/** What a service holds while it runs, and how to let go of it. */
export interface Opened<R> {
  readonly resources: R;
  /** In reverse order. */
  close(): Promise<void>;
}

/**
 * Opens what a service holds: `open` does so by hand, step by step, and tells the closers after each. Where a
 * step fails, what was opened is closed again.
 */
export async function openInOrder<R>(
  log: Logger,
  open: (closers: Closers) => Promise<R>,
): Promise<Opened<R>> {
  const closers = new Closers(log);
  try {
    const resources = await open(closers);
    return { resources, close: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}
