import type { Buffer } from 'node:buffer';

/** Most sub-buckets a second of impression birth can be split into. */
export const SUB_BUCKETS_MAX = 256;
/**
 * Buckets for ids that are not UUIDv7, over the whole TTL. So few that a batch with one per cent of
 * such ids costs some dozen commands, so many that 30 million of them still fit compact sets.
 */
export const TIMELESS_BUCKETS = 4096;

const UUID_VERSION_7 = 7;

/** Whether an id tells when it was made. */
export function isTimed(ids: Buffer, offset: number): boolean {
  return (ids[offset + 6] as number) >> 4 === UUID_VERSION_7;
}

/**
 * The bucket of a key whose event is told by this id (`BucketGroups` picks it), as a number: for UUIDv7
 * its second of birth and a sub-bucket, for other ids a negative number.
 * @param subBuckets a power of two up to SUB_BUCKETS_MAX
 */
export function bucketOf(ids: Buffer, offset: number, subBuckets: number): number {
  const tail = mix(ids.readInt32LE(offset + 12));
  if (!isTimed(ids, offset)) {
    const whole = mix(tail ^ mix(ids.readInt32LE(offset) ^ mix(ids.readInt32LE(offset + 4))));
    return -1 - (whole & (TIMELESS_BUCKETS - 1));
  }
  const bornMs = ids.readUInt32BE(offset) * 0x1_0000 + ids.readUInt16BE(offset + 4);
  return Math.floor(bornMs / 1000) * SUB_BUCKETS_MAX + (tail & (subBuckets - 1));
}

/** When the events of a bucket were born, in seconds since 1970; null where their ids do not tell. */
export function bornSecond(bucket: number): number | null {
  return bucket < 0 ? null : Math.floor(bucket / SUB_BUCKETS_MAX);
}

/** Begins the keys of what is remembered of a topic's events; another topic may share the server. */
export function redisKeyPrefix(topic: string): string {
  return `adtally:${topic}`;
}

/** The Redis key of a bucket. */
export function bucketKey(prefix: string, bucket: number): string {
  if (bucket < 0) return `${prefix}:x${-1 - bucket}`;
  return `${prefix}:${Math.floor(bucket / SUB_BUCKETS_MAX)}.${bucket % SUB_BUCKETS_MAX}`;
}

/**
 * What a bucket holds of a key: 32 bits, signed, so that Redis keeps the set as an array of int32.
 * The key's tail is plain SHA-256 output. Two keys of one bucket of 4,000 meet once in a million.
 */
export function fingerprintOf(eventKeys: Buffer, offset: number): number {
  return eventKeys.readInt32LE(offset + 12);
}

/** Spreads the bits of a word: ids from counters must not all fall into one bucket. */
function mix(word: number): number {
  let hash = Math.imul(word ^ (word >>> 16), 0x7feb352d);
  hash = Math.imul(hash ^ (hash >>> 15), 0x846ca68b);
  return hash ^ (hash >>> 16);
}
