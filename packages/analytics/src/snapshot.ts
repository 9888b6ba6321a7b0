import type { Database, DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/** A reader that stops reading holds back what vacuum may clear away. */
const IDLE_MAX = '10min';

/** Does all reading in one snapshot while writers go on, so that what several statements read belongs together. */
export async function inSnapshot<T>(
  db: Database,
  work: (trx: DatabaseExecutor) => Promise<T>,
): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      // First of all, before the snapshot: events of a day that is moved into its partition, or dropped, meanwhile would
      // look like events that are not there (docs/adr/0036).
      await sql`LOCK TABLE events, restored.events IN ACCESS SHARE MODE`.execute(trx);
      // JIT: a young database has no statistics: the guess makes compiling look worth it, which takes seconds for three events.
      await sql`SET LOCAL idle_in_transaction_session_timeout = ${sql.lit(IDLE_MAX)}; SET LOCAL jit = off`.execute(
        trx,
      );
      return await work(trx);
    });
}
