import { RecurringTask } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';
import type { WriterLink } from './writer-link.ts';

const CHECK_EVERY_MS = 2_000;

/**
 * Asks for the writer's session while the loop has nothing to write: without it a process that lost its
 * database while idle would neither know nor be ready again before the next record.
 */
export function sessionCheck(link: WriterLink, log: Logger): RecurringTask {
  return new RecurringTask({
    everyMs: CHECK_EVERY_MS,
    firstAfterMs: 0,
    run: (signal) => link.check(signal),
    // The loop meets the same, and stops for it.
    onError: (error) => log.error({ err: error }, 'the session for writing could not be checked'),
  });
}
