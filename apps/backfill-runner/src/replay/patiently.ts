import { Backoff } from '@adtally/pacing';
import { isPassing } from '@adtally/pipeline';

const RETRY_FIRST_MS = 50;
const RETRY_LAST_MS = 5_000;

/** Asks again for as long as a server is away. Throws `Abandoned` when the signal fires. */
export async function patiently<T>(
  doing: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  const backoff = new Backoff(RETRY_FIRST_MS, RETRY_LAST_MS);
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error)) throw error;
      await backoff.wait(signal, doing);
    }
  }
}
