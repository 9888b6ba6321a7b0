import { waitFor, type ServiceProcess } from '@adtally/testkit';

/** A machine that is busy with other things is no finding. */
export const PATIENCE_MS = 240_000;
const POLL_MS = 100;

/** Waits for something that `by` does; fails with its log, at once where it has ended. */
export async function patiently(
  by: ServiceProcess,
  what: string,
  condition: () => Promise<boolean>,
): Promise<void> {
  let hasEnded = false;
  void by.ended.then(() => (hasEnded = true));
  try {
    const end = await waitFor(
      async () => {
        const hadEnded = hasEnded;
        if (await condition()) return 'so';
        return hadEnded && 'over';
      },
      { what, timeoutMs: PATIENCE_MS, intervalMs: POLL_MS },
    );
    if (end === 'over') throw new Error(`it ended before: ${what}`);
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${by.lastWords}`, { cause: error });
  }
}
