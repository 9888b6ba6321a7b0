import { reveal, type Secret } from '@adtally/config';
import { bucketKey } from './fingerprint.ts';
import { parseRedisUrl } from './redis-address.ts';
import { clientAt } from './redis-connection.ts';

/** Answers that stay as they are until somebody changes the address, the user or its rights; others pass. */
const REFUSALS =
  /^(?:WRONGPASS|NOAUTH|NOPERM|DENIED|ERR (?:invalid password|AUTH |Client sent AUTH|DB index|This instance))/;
/** No second of an event's birth is asked for here: any bucket will do. */
const ANY_BUCKET = 0;

/**
 * Tries Redis once: connect, log in, ask what a deduplicator asks. A service works on without Redis, whatever it says;
 * but one that was given an address of it is to know that it does not help.
 */
export function redisCheck(url: string | Secret, keyPrefix: string) {
  return {
    server: 'Redis (REDIS_URL)',
    explain: (error: unknown) => {
      const detail = wordsOf(error);
      return REFUSALS.test(detail)
        ? { kind: 'refused' as const, code: 'redis_refused', detail }
        : { kind: 'away' as const, code: 'redis_unreachable', detail };
    },
    attempt: async (): Promise<string> => {
      const client = clientAt(parseRedisUrl(reveal(url)), { triesOnce: true });
      // The client says "Connection is closed." of a connect that failed, and why by this event alone.
      let why: Error | undefined;
      client.on('error', (error: Error) => (why ??= error));
      try {
        await client.connect();
        await client.smismember(bucketKey(keyPrefix, ANY_BUCKET), 0);
        return 'it answers';
      } catch (error) {
        throw why ?? error;
      } finally {
        client.disconnect();
      }
    },
  };
}

/** Of a cluster, what its last node said: the client's own words name no reason. */
function wordsOf(error: unknown): string {
  const { lastNodeError = error } = error as { readonly lastNodeError?: unknown };
  return lastNodeError instanceof Error ? lastNodeError.message : String(lastNodeError);
}
