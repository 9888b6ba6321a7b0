import { waitFor } from '@adtally/testkit';

const LIMIT_MS = 120_000;
const AGAIN_MS = 1_000;

/**
 * Heals, again where that fails: a repair that is missing would pass for a world that does not recover by itself.
 *
 * @throws Error of the last attempt
 */
export async function repaired(heal: () => Promise<void>): Promise<void> {
  const attempt = async (): Promise<true> => {
    await heal();
    return true;
  };
  try {
    await waitFor(attempt, { what: 'a repair', timeoutMs: LIMIT_MS, intervalMs: AGAIN_MS });
  } catch (error) {
    throw new Error(`not repaired: ${((error as Error).cause as Error).message}`, { cause: error });
  }
}
