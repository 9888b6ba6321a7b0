import { ConfigError } from '@adtally/config';
import { UsageError } from '@adtally/command-line';

/** What `read` returns; a wrong variable is a wrong use of the command. */
export function orUsageError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.problems.join('; '));
    throw error;
  }
}
