import { sql } from 'kysely';
import type { DatabaseExecutor } from './database.ts';
import type { BackfillState } from './schema/rollups.ts';

/** Who orders something, and why; both are kept for good. */
export interface Operator {
  readonly actor: string;
  readonly reason: string;
}

/** @throws Error where actor or reason is blank, saying that `what` needs them */
export function requireSigned(what: string, { actor, reason }: Operator): void {
  if (actor.trim() === '' || reason.trim() === '') {
    throw new Error(`${what} needs an actor and a reason`);
  }
}

/**
 * Notes who did what, in the transaction that does it. Returns the number of the note.
 *
 * @throws Error where actor or reason is blank
 */
export async function recordAction(
  trx: DatabaseExecutor,
  operator: Operator,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<bigint> {
  requireSigned(action, operator);
  const { actor, reason } = operator;
  const { action_id } = await trx
    .insertInto('operator_actions')
    .values({ actor, action, reason, detail: JSON.stringify(detail) })
    .returning('action_id')
    .executeTakeFirstOrThrow();
  return action_id;
}

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
