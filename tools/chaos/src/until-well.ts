import { isWell, whyNotWell, type World } from '@adtally/breaking-run';
import { waitFor } from '@adtally/testkit';

const POLL_MS = 500;

/** @throws Error with what is not well, where it does not become so in time */
export async function untilWell(world: World, limitMs: number): Promise<void> {
  const limit = { what: 'all to be well', timeoutMs: limitMs, intervalMs: POLL_MS };
  try {
    await waitFor(() => isWell(world), limit);
  } catch (error) {
    const why = await whyNotWell(world).catch((failure: unknown) => String(failure));
    throw new Error(`${(error as Error).message}: ${why}`, { cause: error });
  }
}
