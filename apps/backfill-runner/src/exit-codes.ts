/** What the commands exit with. A service (`--watch`) has those of every service. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  /** It ended with bases left undone: cancelled. */
  undone: 3,
  /** The present state does not allow it; nothing was changed. */
  refused: 4,
  /** Ended by a signal; it can be resumed. */
  interrupted: 75,
} as const;
