import { sql } from 'kysely';
import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from '../advisory-locks.ts';
import type { Database } from '../database.ts';

/**
 * Does what is retention's, one process at a time.
 *
 * @returns null where another process is at it: nothing was done
 */
export async function leadingRetention<T>(db: Database, work: () => Promise<T>): Promise<T | null> {
  return await db.connection().execute(async (connection) => {
    const key = sql`${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.retention)}`;
    const lock = await sql<{
      taken: boolean;
    }>`SELECT pg_try_advisory_lock(${key}) AS taken`.execute(connection);
    if (!lock.rows[0]?.taken) return null;
    try {
      return await work();
    } finally {
      await sql`SELECT pg_advisory_unlock(${key})`.execute(connection);
    }
  });
}
