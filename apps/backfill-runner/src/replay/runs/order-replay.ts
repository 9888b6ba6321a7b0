import { RefusedError } from '@adtally/analytics';
import {
  recordAction,
  type Database,
  type DatabaseExecutor,
  type Operator,
  type ReplayOrdered,
} from '@adtally/db';
import { sql } from 'kysely';
import { isPassed, readReplay, stateOf } from './find-replays.ts';

/** Orders of an operator, what they come to, and what may have been ordered before. */
const ORDERS = {
  pause: { to: 'paused', from: ['running'] },
  resume: { to: 'running', from: ['running', 'paused'] },
  cancel: { to: 'cancelled', from: ['running', 'paused'] },
} as const satisfies Record<string, { to: ReplayOrdered; from: readonly ReplayOrdered[] }>;
export type ReplayOrder = keyof typeof ORDERS;

/**
 * Pauses, resumes or cancels a replay from anywhere; its processes obey before their next batches.
 *
 * @throws RefusedError where there is none of that id, or its state does not allow it
 */
export async function orderReplay(
  db: Database,
  runId: bigint,
  order: ReplayOrder,
  operator: Operator,
): Promise<void> {
  const { to, from } = ORDERS[order];
  await db.transaction().execute(async (trx) => {
    const replay = await readReplay(trx, runId);
    const { numUpdatedRows } = await trx
      .updateTable('replay_runs')
      .set({ state: to, ended_at: to === 'cancelled' ? sql`clock_timestamp()` : null })
      .where('run_id', '=', runId)
      .where('state', 'in', from)
      .executeTakeFirst();
    if (numUpdatedRows === 0n || isPassed(replay)) {
      throw new RefusedError(`replay ${runId} is ${stateOf(replay)}: it cannot ${order}`);
    }
    await recordAction(trx, operator, `replay ${order}`, { run_id: Number(runId) });
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
