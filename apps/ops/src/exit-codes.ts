/** What a command says by its exit code; the README lists them. */
export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  /** A job is over, and some letters ended dead or failed, or it was cancelled. */
  finishedWithFailures: 3,
  /** Refused by a guard, or nothing matched: nothing was changed. */
  refused: 4,
  /** sysexits.h EX_UNAVAILABLE: the database cannot be reached. */
  unavailable: 69,
} as const;
