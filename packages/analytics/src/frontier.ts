import {
  ADVISORY_LOCKS,
  ADVISORY_LOCK_CLASS,
  type Database,
  databaseNowMs,
  readWriteGuards,
} from '@adtally/db';
import { sql } from 'kysely';
import { COHORT_MS } from './cohorts.ts';

/** A commit holds the guard for milliseconds; more than this the move waits for another time. */
const GUARD_WAIT_MS = 100;
const LOCK_NOT_AVAILABLE = '55P03';

/** The end of the last cohort that ended `settleMs` ago by the database's clock, in ms since 1970. */
export async function settledMs(db: Database, settleMs: number): Promise<number> {
  return Math.floor(((await databaseNowMs(db)) - settleMs) / COHORT_MS) * COHORT_MS;
}

/**
 * Raises the frontier to `toMs`, the end of a cohort. In a transaction of its own, which holds the guard
 * that commits take shared: once it has committed, whatever was stored before is visible to the next
 * snapshot, and whatever comes later is noted. Bases may be taken only after that.
 *
 * @returns where the frontier stands now; where commits hold the guard too long it has not moved
 */
export async function raiseFrontier(db: Database, toMs: number): Promise<number> {
  try {
    await db.transaction().execute(async (trx) => {
      // Commits queue behind us while we wait, so the wait is short.
      await sql`SET LOCAL lock_timeout = ${sql.lit(GUARD_WAIT_MS)}`.execute(trx);
      await sql`SELECT pg_advisory_xact_lock(${sql.lit(ADVISORY_LOCK_CLASS)}, ${sql.lit(ADVISORY_LOCKS.guard)})`.execute(
        trx,
      );
      await trx
        .updateTable('write_guards')
        .set({ frontier_ms: BigInt(toMs) })
        .where('frontier_ms', '<', BigInt(toMs))
        .execute();
    });
  } catch (error) {
    if ((error as { code?: string }).code !== LOCK_NOT_AVAILABLE) throw error;
  }
  return (await readWriteGuards(db)).frontierMs;
}
