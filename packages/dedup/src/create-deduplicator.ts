import { reveal } from '@adtally/config';
import type { Deduplicator } from './deduplicator.ts';
import { SUB_BUCKETS_MAX } from './fingerprint.ts';
import { NoDeduplicator } from './no-deduplicator.ts';
import { RedisDeduplicator, type RedisDeduplicatorOptions } from './redis-deduplicator.ts';

/** At 50,000 events/s a second of impression birth has some 50,000 keys: about 3,000 a set. */
export const SUB_BUCKETS_DEFAULT = 16;
/** A healthy Redis answers a batch within a few milliseconds. */
export const BUDGET_MS_DEFAULT = 50;

export type DeduplicatorOptions = Pick<
  RedisDeduplicatorOptions,
  'url' | 'ttlSeconds' | 'keyPrefix' | 'onEvent'
> &
  Partial<Pick<RedisDeduplicatorOptions, 'budgetMs' | 'subBuckets'>>;

/**
 * Makes the deduplicator an address asks for; an empty `url` = no Redis. Begins to connect at once
 * and never waits for it. Throws on an address or a number that cannot be right.
 */
export function createDeduplicator(options: DeduplicatorOptions): Deduplicator {
  if (reveal(options.url) === '') return new NoDeduplicator();
  const { subBuckets = SUB_BUCKETS_DEFAULT, budgetMs = BUDGET_MS_DEFAULT } = options;
  const isPowerOfTwo = Number.isInteger(Math.log2(subBuckets));
  if (!isPowerOfTwo || subBuckets < 1 || subBuckets > SUB_BUCKETS_MAX) {
    throw new Error(`subBuckets must be a power of two up to ${SUB_BUCKETS_MAX}`);
  }
  if (!Number.isInteger(options.ttlSeconds) || options.ttlSeconds < 1) {
    throw new Error('ttlSeconds must be a positive integer');
  }
  return new RedisDeduplicator({ ...options, subBuckets, budgetMs });
}
