import { sql } from 'kysely';
import { ADVISORY_LOCKS, ADVISORY_LOCK_CLASS } from './advisory-locks.ts';
import type { DatabaseExecutor } from './database.ts';

/**
 * Held to the end of the transaction by whoever adds sources of a topic, and whoever must see all of them: those
 * of a registration that has not committed yet are in no snapshot. Taken before any lock of a row.
 */
export async function lockRegistration(trx: DatabaseExecutor): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.sources)})`.execute(
    trx,
  );
}
