import { RefusedError } from '@adtally/analytics';
import {
  orderRun,
  type Database,
  type DatabaseExecutor,
  type Operator,
  type ReplayOrdered,
  type RunOrder,
} from '@adtally/db';
import { sql } from 'kysely';
import { isPassed, readReplay, stateOf } from './find-replays.ts';

/**
 * Pauses, resumes or cancels a replay from anywhere; its processes obey before their next batches.
 *
 * @throws RefusedError where there is none of that id, or its state does not allow it
 */
export async function orderReplay(
  db: Database,
  runId: bigint,
  order: RunOrder,
  operator: Operator,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const replay = await readReplay(trx, runId);
    const isOrdered = await orderRun(trx, 'replay', runId, order, operator);
    if (!isOrdered || isPassed(replay)) {
      throw new RefusedError(`replay ${runId} is ${stateOf(replay)}: it cannot ${order}`);
    }
  });
}

/** What is ordered now. @throws RefusedError where there is no such run */
export async function readOrdered(db: DatabaseExecutor, runId: bigint): Promise<ReplayOrdered> {
  const row = await db
    .selectFrom('replay_runs')
    .select('state')
    .where('run_id', '=', runId)
    .executeTakeFirst();
  if (row === undefined) throw new RefusedError(`there is no replay ${runId}`);
  return row.state;
}

/** Writes down that a replay has passed its whole range; harmless where it is known. */
export async function endReplay(db: DatabaseExecutor, runId: bigint): Promise<void> {
  await db
    .updateTable('replay_runs')
    .set({ ended_at: sql`clock_timestamp()` })
    .where('run_id', '=', runId)
    .where('ended_at', 'is', null)
    .execute();
}
