import { Buffer } from 'node:buffer';
import { uuidText } from '@adtally/event-schema';

/** The message key producers use: the impression id in canonical (lower case) text. */
export function canonicalImpressionKey(impressionId: Uint8Array): string {
  return uuidText(impressionId);
}

/** The partition Kafka's default partitioner gives a key: `toPositive(murmur2(key)) % partitions`. */
export function partitionFor(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/**
 * Murmur2 exactly as org.apache.kafka.common.utils.Utils computes it.
 *
 * @returns a signed 32-bit integer
 */
export function murmur2(data: Uint8Array): number {
  const length = data.length;
  const words = length >> 2;
  let hash = SEED ^ length;
  for (let word = 0; word < words; word += 1) {
    const at = word << 2;
    let k =
      (data[at] as number) |
      ((data[at + 1] as number) << 8) |
      ((data[at + 2] as number) << 16) |
      ((data[at + 3] as number) << 24);
    k = Math.imul(k, MIX);
    k ^= k >>> 24;
    hash = Math.imul(hash, MIX) ^ Math.imul(k, MIX);
  }
  const tail = words << 2;
  const rest = length & 3;
  if (rest === 3) hash ^= (data[tail + 2] as number) << 16;
  if (rest >= 2) hash ^= (data[tail + 1] as number) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (data[tail] as number), MIX);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MIX);
  return hash ^ (hash >>> 15);
}

/** Length of the canonical key in bytes. */
export const IMPRESSION_KEY_BYTES = 36;

const HEX_DIGITS = Buffer.from('0123456789abcdef');
const DASH = 0x2d;

/** Writes the canonical key's ASCII bytes to the start of `target`, without making a string. */
export function writeImpressionKey(
  target: Uint8Array,
  impressionIds: Uint8Array,
  offset: number,
): void {
  let at = 0;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) {
      target[at] = DASH;
      at += 1;
    }
    const byte = impressionIds[offset + index] as number;
    target[at] = HEX_DIGITS[byte >> 4] as number;
    target[at + 1] = HEX_DIGITS[byte & 15] as number;
    at += 2;
  }
}
