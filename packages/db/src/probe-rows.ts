import type { EventBatch } from '@adtally/event-schema';
import { WriteError, type WriteFailure } from './pg-errors.ts';
import { insertRows, sortByKey } from './write-events.ts';
import { inWriteTransaction } from './write-transaction.ts';
import type { WriterSession } from './writer-session.ts';

/**
 * Tries the events of these rows in a transaction that is always rolled back: the way to find, inside a
 * batch, the row the database does not take. Returns null where it takes them all.
 */
export async function probeRows(
  session: WriterSession,
  batch: EventBatch,
  rows: readonly number[],
): Promise<WriteFailure | null> {
  try {
    await inWriteTransaction(session, async (enter) => {
      enter('events');
      await insertRows(session, batch, sortByKey(batch, rows));
      enter('other');
      await session.query('ROLLBACK');
    });
    return null;
  } catch (error) {
    if (error instanceof WriteError) return error.failure;
    throw error;
  }
}

/** Whether `events` can be written at all just now: no lock, disk or shutdown stands before every row. */
export async function takesRows(session: WriterSession): Promise<boolean> {
  try {
    await inWriteTransaction(session, async () => {
      await session.query('LOCK TABLE events IN ROW EXCLUSIVE MODE');
      await session.query('ROLLBACK');
    });
    return true;
  } catch (error) {
    if (error instanceof WriteError) return false;
    throw error;
  }
}
