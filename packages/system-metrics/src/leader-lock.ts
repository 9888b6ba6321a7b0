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

/** Ends what `tryLead` took, once. */
export async function giveUp(session: DatabaseExecutor, lock: number): Promise<void> {
  await sql`SELECT pg_advisory_unlock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(lock)})`.execute(
    session,
  );
}

/** Who holds a lock: the session that asks, or another one. */
export type Holder = 'us' | 'another';

/** Of these locks those that are held, without taking any. */
export async function holdersOf(
  session: DatabaseExecutor,
  locks: readonly number[],
): Promise<Map<number, Holder>> {
  const { rows } = await sql<{ lock: number; isOurs: boolean }>`
    SELECT objid::int AS lock, pid = pg_backend_pid() AS "isOurs" FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND classid = ${sql.lit(ADVISORY_LOCK_CLASS)}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND objid::int = ANY (${locks}::int[])`.execute(session);
  return new Map(rows.map(({ lock, isOurs }) => [lock, isOurs ? 'us' : 'another']));
}

/** Has the server end the session of a process that is frozen or cut off: then another one leads. */
export async function limitSilence(session: DatabaseExecutor, silentMaxMs: number): Promise<void> {
  await sql`SET idle_session_timeout = ${sql.lit(silentMaxMs)}`.execute(session);
}
