import {
  ADVISORY_LOCKS,
  ADVISORY_LOCK_CLASS,
  type Database,
  type Operator,
  requireSigned,
  type Schema,
} from '@adtally/db';
import { sql, type Transaction } from 'kysely';

/** Thrown inside `orderOnLetters` to undo everything and answer with `result` all the same. */
class Refused<T> extends Error {
  override readonly name = 'Refused';
  readonly result: T;

  constructor(result: T) {
    super('refused');
    this.result = result;
  }
}

/**
 * Runs an operator's order on dead letters as one transaction; one at a time, so that two operators never
 * order the same letter twice. `refuse` undoes it and makes its argument the answer.
 *
 * @throws Error where actor or reason is blank, or the server's 55P03 where another order runs for too long
 */
export async function orderOnLetters<T>(
  db: Database,
  operator: Operator,
  work: (trx: Transaction<Schema>, refuse: (result: T) => never) => Promise<T>,
): Promise<T> {
  requireSigned('an order on dead letters', operator);
  const refuse = (result: T): never => {
    throw new Refused(result);
  };
  try {
    return await db.transaction().execute(async (trx) => {
      // A statement of its own: the next ones see what the holder before us has committed.
      await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.letters)})`.execute(
        trx,
      );
      return await work(trx, refuse);
    });
  } catch (error) {
    if (error instanceof Refused) return error.result as T;
    throw error;
  }
}
