import { rehearseBatch, type WriterSession } from '@adtally/db';
import { Abandoned, unlessStopped } from '@adtally/pacing';
import type { ClaimPreparation } from '@adtally/pipeline';
import type { Logger } from '@adtally/telemetry';

const LIMIT_MS = 1_000;

/**
 * Does once what a claim asks for and what a commit does, for a process that waits for its turn: the first time takes several
 * times as long. Takes some two seconds at most, and nothing of it is needed.
 * @throws what a first claim would end the process with
 */
export async function rehearse(
  { preparation, log }: { preparation: ClaimPreparation; log: Logger },
  session: WriterSession,
  stopping: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(LIMIT_MS)]);
  const ended = (error: unknown): void => {
    if (!(error instanceof Abandoned)) throw error;
  };
  const failed = (error: unknown): void =>
    log.debug({ err: error }, 'a batch could not be rehearsed');
  await Promise.all([
    unlessStopped(preparation.rehearse(signal), signal, 'rehearsing').catch(ended),
    rehearseBatch(session).catch(failed),
  ]);
}
