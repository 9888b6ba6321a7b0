import { ADVISORY_LOCK_CLASS, type DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';

/**
 * Makes the calling session the leader's, for as long as it lives: a session that answers still holds the lock.
 *
 * @param session one connection, never given back while it leads
 * @param lock one of `ADVISORY_LOCKS`
 * @returns false while another session holds the lock
 */
export async function tryLead(session: DatabaseExecutor, lock: number): Promise<boolean> {
  const { rows } = await sql<{ leads: boolean }>`
    SELECT pg_try_advisory_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(lock)})
      AS leads`.execute(session);
  return rows[0]?.leads === true;
}

/** Has the server end the session of a process that is frozen or cut off: then another one leads. */
export async function limitSilence(session: DatabaseExecutor, silentMaxMs: number): Promise<void> {
  await sql`SET idle_session_timeout = ${sql.lit(silentMaxMs)}`.execute(session);
}
