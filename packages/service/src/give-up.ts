import type { Work } from './work-in-hand.ts';

const GIVE_UP_SHARE = 0.6;
/** With nothing in hand what is left is goodbyes, and a server that does not take them is not waited for. */
const GOODBYES_MS = 2_000;
const LOOK_EVERY_MS = 100;

/**
 * How long, of the drain deadline, work in hand may hold up a drain; then what waits for a server that does not
 * answer is cut, which leaves time to close the rest in order.
 */
export function giveUpAfterMs(drainDeadlineMs: number): number {
  return drainDeadlineMs * GIVE_UP_SHARE;
}

/**
 * Calls `abandon`, once, when a drain that begins now has no more time for what still waits: after the share of the
 * deadline that work in hand has, or two seconds after the last of it. Returns what ends the watch.
 */
export function abandonInTime(
  drainDeadlineMs: number,
  work: () => Work,
  abandon: () => void,
): () => void {
  const giveUpMs = giveUpAfterMs(drainDeadlineMs);
  const startedMs = performance.now();
  let workedMs = startedMs;
  const watch = setInterval(() => {
    const nowMs = performance.now();
    if (work().inHand.length > 0) workedMs = nowMs;
    if (nowMs - startedMs < giveUpMs && nowMs - workedMs < GOODBYES_MS) return;
    clearInterval(watch);
    abandon();
  }, LOOK_EVERY_MS);
  watch.unref();
  return () => clearInterval(watch);
}
