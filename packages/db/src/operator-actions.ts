import type { DatabaseExecutor } from './database.ts';

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
