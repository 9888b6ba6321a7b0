import { callGroup, type Database } from '@adtally/db';
import type { Logger } from '@adtally/telemetry';

export interface CallerParts {
  readonly db: Database;
  readonly group: string;
  readonly log: Logger;
}

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

  /** The same, done when it returns; never rejects. */
  async called(): Promise<void> {
    const { db, group, log } = this.#parts;
    try {
      await callGroup(db, group);
    } catch (error) {
      log.debug({ err: error }, 'the group was not told that it changes');
    }
  }
}
