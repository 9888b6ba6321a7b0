import { setTimeout as delay } from 'node:timers/promises';

import { StackError } from './errors.ts';
import { logTail, type StartedServer } from './processes.ts';

const POLL_MS = 100;

/**
 * Waits until a started server answers.
 * @throws StackError with the end of its log when it ends first or does not answer in time.
 */
export async function waitReady(
  name: string,
  server: StartedServer,
  logFile: string,
  timeoutMs: number,
  isReady: () => Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await isReady())) {
    if (server.exited()) {
      throw new StackError(
        `${name} ended while starting; the end of ${logFile}:\n${logTail(logFile)}`,
      );
    }
    if (Date.now() >= deadline) {
      throw new StackError(
        `${name} does not answer after ${timeoutMs / 1000} s; the end of ${logFile}:\n${logTail(logFile)}`,
      );
    }
    await delay(POLL_MS);
  }
}
