import { callGroup, type Database, sayGoodbye } from '@adtally/db';
import { unlessStopped } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

export interface CallerParts {
  readonly db: Database;
  readonly group: string;
  /** Of a static member, whose place another process may stand by to take. */
  readonly instanceId?: string | undefined;
  readonly log: Logger;
}

const LIMIT_MS = 1_000;

/**
 * Tells the other members of the group, by the database they share, that it changes: they ask the group at once, and a
 * hand-over waits for no heartbeat (docs/adr/0050).
 */
export class GroupCaller {
  readonly #parts: CallerParts;
  #hasCalled = false;

  constructor(parts: CallerParts) {
    this.#parts = parts;
  }

  /** Begins a call and waits for nothing; one that fails costs the others a heartbeat. */
  call(): void {
    this.#hasCalled = true;
    void this.#call(callGroup);
  }

  /**
   * The same for the last time, done when it returns, in at most a second: nothing that ends waits longer for it. Nothing
   * where it never came to call. Never rejects.
   */
  async left(): Promise<void> {
    const { instanceId } = this.#parts;
    if (!this.#hasCalled) return;
    if (instanceId === undefined) await this.#call(callGroup);
    else await this.#call((db, group) => sayGoodbye(db, group, instanceId));
  }

  async #call(tell: (db: Database, group: string) => Promise<void>): Promise<void> {
    const { db, group, log } = this.#parts;
    try {
      const limit = AbortSignal.timeout(LIMIT_MS);
      await unlessStopped(tell(db, group), limit, 'telling the group that it changes');
    } catch (error) {
      log.debug({ err: error }, 'the group was not told that it changes');
    }
  }
}
