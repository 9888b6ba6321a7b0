import type { DatabaseExecutor } from './database.ts';

/** Who orders something, and why; both are kept for good. */
export interface Operator {
  readonly actor: string;
  readonly reason: string;
}

/** Notes who did what, in the transaction that does it. Returns the number of the note. */
export async function recordAction(
  trx: DatabaseExecutor,
  { actor, reason }: Operator,
  action: string,
  detail: Readonly<Record<string, unknown>>,
): Promise<bigint> {
  const { action_id } = await trx
    .insertInto('operator_actions')
    .values({ actor, action, reason, detail: JSON.stringify(detail) })
    .returning('action_id')
    .executeTakeFirstOrThrow();
  return action_id;
}
