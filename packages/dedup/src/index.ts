export {
  BUDGET_MS_DEFAULT,
  createDeduplicator,
  SUB_BUCKETS_DEFAULT,
  type DeduplicatorOptions,
} from './create-deduplicator.ts';
export type { DedupEvent, Deduplicator, FailureKind, RouteStats } from './deduplicator.ts';
export { redisKeyPrefix, SUB_BUCKETS_MAX, TIMELESS_BUCKETS } from './fingerprint.ts';
export { parseRedisUrl, type RedisAddress } from './redis-address.ts';
export { redisCheck } from './check-connection.ts';
