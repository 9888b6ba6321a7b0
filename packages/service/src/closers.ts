import type { Logger } from '@adtally/telemetry';

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
