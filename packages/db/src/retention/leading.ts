import { sql } from 'kysely';
import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS } from '../advisory-locks.ts';
import type { Database } from '../database.ts';

/** The session that makes this process the one has ended: another may be at it by now. */
export class LeadLost extends Error {
  override readonly name = 'LeadLost';
}

/**
 * Resolves while this process is the one. A process that was stopped for long may have lost its session, and another
 * taken over: what cannot be taken back outside of the database asks first.
 * @throws LeadLost
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
    let isLost = false;
    const stillLeads = async (): Promise<void> => {
      await sql`SELECT 1`.execute(connection).catch((cause: unknown) => {
        isLost = true;
        throw new LeadLost('the session that led retention has ended', { cause });
      });
    };
    try {
      return await work(stillLeads);
    } finally {
      // Else it ended with the session, and to ask for it would hide what happened.
      if (!isLost) await sql`SELECT pg_advisory_unlock(${key})`.execute(connection);
    }
  });
}
