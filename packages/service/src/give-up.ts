const GIVE_UP_SHARE = 0.6;

/**
 * How long, of the drain deadline, work in hand may hold up a drain; then what waits for a server that does not
 * answer is cut, which leaves time to close the rest in order.
 */
export function giveUpAfterMs(drainDeadlineMs: number): number {
  return drainDeadlineMs * GIVE_UP_SHARE;
}
