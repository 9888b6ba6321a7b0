/**
 * What every command and service of Adtally says by its exit code. An app's README says which of them it
 * uses and what for; no other file writes such a number.
 */
export const EXIT = {
  success: 0,
  failure: 1,
  /** The command line is wrong; nothing was begun. */
  usage: 2,
  /** It ended, and something was left undone or came out badly: letters died, a backfill was cancelled. */
  incomplete: 3,
  /** A guard or the present state does not allow it, or nothing matched: nothing was changed. */
  refused: 4,
  /** sysexits.h EX_UNAVAILABLE: a server does not answer, or a program is missing. */
  unavailable: 69,
  /** sysexits.h EX_TEMPFAIL: ended by a signal before it was done; it can be resumed. */
  interrupted: 75,
  /** sysexits.h EX_CONFIG: a setting, a login or a schema does not fit; trying again changes nothing. */
  configuration: 78,
  /** 128 + the signal's number: a second SIGINT forced the end. */
  forcedBySigint: 130,
  /** A second SIGTERM forced the end. */
  forcedBySigterm: 143,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const CAUSES_MAX = 10;

/** An error's wish for the exit code of the process (`exitCode` on it or on a cause), if it has one. */
export function exitCodeOf(error: unknown): number | undefined {
  for (let current = error, depth = 0; current instanceof Error && depth < CAUSES_MAX; depth += 1) {
    const code = (current as { exitCode?: unknown }).exitCode;
    if (typeof code === 'number' && Number.isInteger(code) && code > 0 && code < 256) return code;
    current = current.cause;
  }
  return undefined;
}
