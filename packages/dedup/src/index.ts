export {
  BUDGET_MS_DEFAULT,
  createDeduplicator,
  SUB_BUCKETS_DEFAULT,
  type DeduplicatorOptions,
} from './create-deduplicator.ts';
export type { DedupEvent, Deduplicator, FailureKind, RouteStats } from './deduplicator.ts';
export { DEDUP_ENV } from './env.ts';
export { SUB_BUCKETS_MAX, TIMELESS_BUCKETS } from './fingerprint.ts';
export { parseRedisUrl, REDIS_URL_SCHEMES, type RedisAddress } from './redis-address.ts';
