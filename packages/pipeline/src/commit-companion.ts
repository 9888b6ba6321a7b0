import type { WriterSession, WrittenRows } from '@adtally/db';
import type { EventBatch } from '@adtally/event-schema';

/**
 * What goes along with the commits of a `BatchCommitter`: `secure` as often as rows of a batch are rejected,
 * perhaps while the batch before it is written; then `writeAlongside` in each try of its transaction. What a
 * companion knows of a batch lies in the batch.
 */
export interface CommitCompanion {
  /**
   * Before the commit, perhaps several times with further rows: makes rejected records safe outside of the
   * database. Left out where they are safe already. Waits for as long as that takes; throws `Abandoned` when
   * the signal fires.
   */
  secure?(batch: EventBatch, rows: readonly number[], signal: AbortSignal): Promise<void>;
  /** Inside the transaction, after the events and before the cursors move. */
  writeAlongside(session: WriterSession, written: WrittenRows): Promise<void>;
}
