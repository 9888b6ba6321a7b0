import { checkSchema, type Database } from '@adtally/db';
import { ConfigError } from '@adtally/config';
import { Backoff } from '@adtally/pacing';
import type { Logger } from '@adtally/telemetry';

const WAIT_FIRST_MS = 200;
const WAIT_LAST_MS = 5_000;

/**
 * Waits for a database that is away. Throws `ConfigError` (exit 78) where it has a schema this build does
 * not fit, `Abandoned` when the signal fires.
 */
export async function requireSchema(db: Database, log: Logger, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(WAIT_FIRST_MS, WAIT_LAST_MS);
  for (;;) {
    try {
      const check = await checkSchema(db);
      if (!check.ok) throw new ConfigError([check.problem]);
      return;
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      log.warn({ err: error }, 'database not reachable, waiting');
      await backoff.wait(signal, 'connecting to the database');
    }
  }
}
