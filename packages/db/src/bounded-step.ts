import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Database, DatabaseExecutor } from './database.ts';

export interface BoundedStepOptions {
  /** How long one statement may queue for a lock, with writers queueing behind it. */
  readonly lockTimeoutMs: number;
  readonly attempts: number;
}

/** Longest silence of this client inside a step, whose locks writers may be waiting for. */
export const STEP_SILENCE_MS = 2_000;
const RETRY_PAUSE_MIN_MS = 50;
const RETRY_PAUSE_SPREAD_MS = 200;

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/**
 * A transaction that takes locks which writers want, tried again with pauses in which they go first.
 *
 * @returns false where the locks could not be had in the attempts allowed: nothing was done
 */
export async function inBoundedStep(
  db: Database,
  { lockTimeoutMs, attempts }: BoundedStepOptions,
  run: (trx: DatabaseExecutor) => Promise<void>,
): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      await db.transaction().execute(async (trx) => {
        // Frozen between two statements we would keep every writer waiting: then the step is given up.
        await sql`SELECT set_config('lock_timeout', ${String(lockTimeoutMs)}, true),
          set_config('idle_in_transaction_session_timeout', ${String(STEP_SILENCE_MS)}, true)`.execute(
          trx,
        );
        await run(trx);
      });
      return true;
    } catch (error) {
      const state = sqlState(error);
      if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK_DETECTED) throw error;
    }
    // Jitter lets the writers that queued behind the try go first.
    await sleep(RETRY_PAUSE_MIN_MS + Math.random() * RETRY_PAUSE_SPREAD_MS);
  }
  return false;
}

/** SQLSTATE of an error, where a server said it. */
export function sqlState(error: unknown): string | undefined {
  return (error as { code?: string } | null)?.code;
}
