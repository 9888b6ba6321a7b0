import { reveal, type Secret } from '@adtally/config';
import { parseRedisUrl } from './redis-address.ts';
import { clientAt } from './redis-connection.ts';

/** Tries Redis once: connect, log in, ask. Away is the worst it can be, since a service works on without it. */
export function redisCheck(url: string | Secret) {
  return {
    server: 'Redis (REDIS_URL)',
    explain: (error: unknown) => ({
      kind: 'away' as const,
      code: 'redis',
      detail: error instanceof Error ? error.message : String(error),
    }),
    attempt: async (): Promise<string> => {
      const client = clientAt(parseRedisUrl(reveal(url)), { triesOnce: true });
      // The client says "Connection is closed." of a connect that failed, and why by this event alone.
      let why: Error | undefined;
      client.on('error', (error: Error) => (why ??= error));
      try {
        await client.connect();
        await client.ping();
        return 'it answers';
      } catch (error) {
        throw why ?? error;
      } finally {
        client.disconnect();
      }
    },
  };
}
