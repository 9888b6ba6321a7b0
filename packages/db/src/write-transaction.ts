import { classifyWriteError, WriteError, type WriteFailure, type WritePhase } from './pg-errors.ts';
import type { WriterSession } from './writer-session.ts';

/**
 * Runs `body` in a READ COMMITTED transaction that the body itself ends, by COMMIT or ROLLBACK; where it
 * throws, the transaction is rolled back and the session kept if that worked.
 *
 * @param body says by `enter` which phase its next statements belong to: only an error of those that write
 *   `events` can be a row's
 * @throws WriteError, whatever went wrong
 */
export async function inWriteTransaction(
  session: WriterSession,
  body: (enter: (phase: WritePhase) => void) => Promise<void>,
): Promise<void> {
  let phase: WritePhase = 'other';
  try {
    await session.query('BEGIN ISOLATION LEVEL READ COMMITTED');
    await body((next) => {
      phase = next;
    });
  } catch (error) {
    // A broken session cannot tell whether COMMIT happened, whatever the error looks like.
    const known = error instanceof WriteError ? error.failure : classifyWriteError(error, phase);
    const failure: WriteFailure = session.isUsable ? known : { kind: 'outcome_unknown' };
    if (failure.kind === 'outcome_unknown') session.destroy();
    else await session.query('ROLLBACK').catch(() => session.destroy());
    if (error instanceof WriteError && error.failure === failure) throw error;
    throw new WriteError(failure, error);
  }
}
