import { durationMs, int, secret, url, type EnvField } from '@adtally/config';
import { parseRedisUrl, REDIS_URL_SCHEMES } from './redis-address.ts';

const ADDRESS = url('REDIS_URL', {
  schemes: REDIS_URL_SCHEMES,
  default: '',
  meaning:
    'empty = no Redis; `redis://`, `rediss://`, `redis+sentinel://`, `redis+cluster://`, the last two also as `rediss+`',
});

/** The predictions in Redis: an app that reads those of another must let them live as long. */
export const DEDUP_ENV = {
  redisUrl: secret(understood(ADDRESS)),
  dedupTtlSeconds: int('DEDUP_TTL_SECONDS', {
    default: 21_600,
    min: 1,
    max: 31_536_000,
    meaning: 'how long Redis remembers a key; longer than your redelivery window',
  }),
  dedupBudgetMs: durationMs('DEDUP_BUDGET_MS', {
    default: 50,
    min: 1,
    max: 10_000,
    meaning: 'how long a batch waits for Redis',
  }),
} as const;

/** Beside the scheme also the rest of the address is right. */
function understood(address: EnvField<string>): EnvField<string> {
  return {
    ...address,
    read(env) {
      const reading = address.read(env);
      if ('problems' in reading || reading.value === '') return reading;
      try {
        parseRedisUrl(reading.value);
        return reading;
      } catch (error) {
        return { problems: [`${address.variable}: ${(error as Error).message}`] };
      }
    },
  };
}
