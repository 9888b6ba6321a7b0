import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import { type Operator, recordAction } from './operator-actions.ts';
import type { BackfillState } from './schema/rollups.ts';

/** What an operator orders of a run that works for long, what that comes to, and in which states it can be ordered. */
const RUN_ORDERS = {
  pause: { to: 'paused', from: ['running'] },
  resume: { to: 'running', from: ['running', 'paused', 'failed'] },
  cancel: { to: 'cancelled', from: ['running', 'paused', 'failed'] },
} as const satisfies Record<string, { to: BackfillState; from: readonly BackfillState[] }>;
export type RunOrder = keyof typeof RUN_ORDERS;

/** Where runs are kept, by what their orders are noted as. A replay is never `failed`. */
const RUNS = { rollups: 'backfill_runs', replay: 'replay_runs' } as const;

/**
 * Orders something of a backfill (`rollups`) or a replay, signed; its processes obey before what they do next.
 *
 * @returns false where its state does not allow it: nothing is changed
 */
export async function orderRun(
  trx: DatabaseExecutor,
  kind: keyof typeof RUNS,
  runId: bigint,
  order: RunOrder,
  operator: Operator,
): Promise<boolean> {
  const { to, from } = RUN_ORDERS[order];
  const { numAffectedRows } = await sql`
    UPDATE ${sql.table(RUNS[kind])}
    SET state = ${to}, ended_at = CASE WHEN ${to === 'cancelled'} THEN clock_timestamp() END
    WHERE run_id = ${runId} AND state = ANY (${from})`.execute(trx);
  if (numAffectedRows === 0n) return false;
  await recordAction(trx, operator, `${kind} ${order}`, { run_id: Number(runId) });
  return true;
}
