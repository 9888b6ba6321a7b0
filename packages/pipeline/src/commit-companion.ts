import type { WriterSession, WrittenRows } from '@adtally/db';
import type { EventBatch } from '@adtally/event-schema';

/**
 * What goes along with the commits of a `BatchCommitter`, one batch at a time: `begin`, then `secure` as often
 * as rows are rejected, then `writeAlongside` in each try of the transaction. What a companion has no use for
 * it leaves out.
 */
export interface CommitCompanion {
  /** Another batch: forgets the one before. */
  begin?(): void;
  /**
   * Before the commit, perhaps several times with further rows: makes rejected records safe outside of the
   * database. Left out where they are safe already. Waits for as long as that takes; throws `Abandoned` when
   * the signal fires.
   */
  secure?(batch: EventBatch, rows: readonly number[], signal: AbortSignal): Promise<void>;
  /** Inside the transaction, after the events and before the cursors move. */
  writeAlongside(session: WriterSession, written: WrittenRows): Promise<void>;
}
