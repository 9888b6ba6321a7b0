/**
 * Something that starts and stops. `stop` must work before start, twice, and while start is under
 * way (start may then fail or return early). `stressStartStop` of the test kit checks it.
 */
export interface Service {
  /** For logs, e.g. `consumer`. */
  readonly name: string;
  start(): Promise<void>;
  /** Finishes the work in hand and lets go of everything; resolves when that is done. */
  stop(): Promise<void>;
  /** Settles with the reason when the service ends by itself and the process must end with it. */
  readonly failed?: Promise<Error>;
  /** What it still waits for, one phrase; undefined when it can do its work. For /readyz only. */
  notReady?(): string | undefined;
}

/** An error's wish for the exit code of the process (`exitCode` on it or on a cause), else 1. */
export function exitCodeOf(error: unknown): number {
  for (let current = error, depth = 0; current instanceof Error && depth < 10; depth += 1) {
    const code = (current as { exitCode?: unknown }).exitCode;
    if (typeof code === 'number' && Number.isInteger(code) && code > 0 && code < 256) return code;
    current = current.cause;
  }
  return 1;
}
