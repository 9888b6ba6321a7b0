import { callGroup, type Database } from '@adtally/db';
import { pause } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

export interface CallerParts {
  readonly db: Database;
  readonly group: string;
  readonly log: Logger;
}

const LIMIT_MS = 1_000;

/**
 * Tells the other members of the group, by the database they share, that it changes: they ask the group at once, and a
 * hand-over waits for no heartbeat (docs/adr/0050).
 */
export class GroupCaller {
  readonly #parts: CallerParts;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Begins a call and waits for nothing; one that fails costs the others a heartbeat. */
  call(): void {
    void this.called();
  }

  /** The same, done when it returns, in at most a second: nothing that ends waits longer for it. Never rejects. */
  async called(): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#tell().finally(() => over.abort()), pause(LIMIT_MS, over.signal)]);
  }

  async #tell(): Promise<void> {
    const { db, group, log } = this.#parts;
    try {
      await callGroup(db, group);
    } catch (error) {
      log.debug({ err: error }, 'the group was not told that it changes');
    }
  }
}
