import type { Database, DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/** Reads in one snapshot while writers go on. */
export async function inSnapshot<T>(
  db: Database,
  work: (trx: DatabaseExecutor) => Promise<T>,
): Promise<T> {
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      // First of all, before the snapshot: a day that retention drops meanwhile would look like events that are gone.
      await sql`LOCK TABLE events IN ACCESS SHARE MODE`.execute(trx);
      return await work(trx);
    });
}
