import { callGroup, type Database } from '@adtally/db';
import { unlessStopped } from '@adtally/pacing';
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
    const { db, group, log } = this.#parts;
    try {
      const limit = AbortSignal.timeout(LIMIT_MS);
      await unlessStopped(callGroup(db, group), limit, 'telling the group that it changes');
    } catch (error) {
      log.debug({ err: error }, 'the group was not told that it changes');
    }
  }
}
