import { sql } from 'kysely';
import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from '../advisory-locks.ts';
import type { Database } from '../database.ts';

/**
 * Resolves while this process is the one. A process that was stopped for long may have lost its session, and another
 * taken over: what cannot be taken back outside of the database asks first.
 */
export type StillLeads = () => Promise<void>;

/**
 * Does what is retention's, one process at a time.
 *
 * @returns null where another process is at it: nothing was done
 */
export async function leadingRetention<T>(
  db: Database,
  work: (stillLeads: StillLeads) => Promise<T>,
): Promise<T | null> {
  return await db.connection().execute(async (connection) => {
    const key = sql`${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.retention)}`;
    const lock = await sql<{
      taken: boolean;
    }>`SELECT pg_try_advisory_lock(${key}) AS taken`.execute(connection);
    if (!lock.rows[0]?.taken) return null;
    try {
      return await work(async () => void (await sql`SELECT 1`.execute(connection)));
    } finally {
      await sql`SELECT pg_advisory_unlock(${key})`.execute(connection);
    }
  });
}
