import { reveal, type Secret } from '@adtally/config';
import { parseRedisUrl } from './redis-address.ts';
import { clientAt } from './redis-connection.ts';

/** A login that fails, one that is missing, and rights that are: a person has to mend them. */
const REFUSED = /^(?:WRONGPASS|NOAUTH|NOPERM|ERR invalid password)\b/;

/** Tries Redis once: connect, log in, ask. A service works on without it, but whoever checks wants to know. */
export function redisCheck(url: string | Secret) {
  return {
    server: 'Redis (REDIS_URL)',
    explain: (error: unknown) => {
      const detail = error instanceof Error ? error.message : String(error);
      const kind: 'refused' | 'away' = REFUSED.test(detail) ? 'refused' : 'away';
      return { kind, code: 'redis', detail };
    },
    attempt: async (): Promise<string> => {
      const client = clientAt(parseRedisUrl(reveal(url)), { triesOnce: true });
      // The client says "Connection is closed." of a connect that failed, and why by this event alone.
      let why: Error | undefined;
      client.on('error', (error: Error) => (why ??= error));
      try {
        await client.connect();
        // Beside its reads and writes the one command that a service needs.
        await client.info('server');
        return 'it answers';
      } catch (error) {
        throw why ?? error;
      } finally {
        client.disconnect();
      }
    },
  };
}
