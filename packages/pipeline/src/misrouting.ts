import type { EventBatch, RecordPlaces, SourceRecord } from '@adtally/event-schema';
import { IMPRESSION_KEY_BYTES, partitionFor, writeImpressionKey } from '@adtally/key-derivation';
import { Buffer } from 'node:buffer';

/** Why an event does not lie where its copies do: another key, or another partitioner. */
export interface Misrouting {
  readonly cause: 'key' | 'partition';
  /** For people; nothing of the record but numbers. */
  readonly detail: string;
}

const canonicalKey = Buffer.alloc(IMPRESSION_KEY_BYTES);

/**
 * Whether an event has another key than its impression id, or lies in another partition than Java's partitioner
 * gives that.
 *
 * @param partitions how many the topic has; null where unknown: then only the key tells
 */
export function isMisrouted(
  batch: EventBatch,
  row: number,
  impressionIds: Uint8Array,
  partitions: number | null,
): boolean {
  const { places } = batch;
  writeImpressionKey(canonicalKey, impressionIds, row * 16);
  const ownKey = places.isWhole(row)
    ? isCanonicalAt(places, row)
    : isCanonicalKey(batch.record(row).key);
  if (!ownKey) return true;
  return partitions !== null && places.partition[row] !== partitionFor(canonicalKey, partitions);
}

/** Why a row is misrouted that was found to be. */
export function misroutingOf(batch: EventBatch, row: number, partitions: number): Misrouting {
  writeImpressionKey(canonicalKey, batch.column('impression_id').bytes, row * 16);
  const { key, partition } = batch.record(row);
  if (isCanonicalKey(key)) {
    const wanted = partitionFor(canonicalKey, partitions);
    return { cause: 'partition', detail: `in partition ${partition}, murmur2 gives ${wanted}` };
  }
  const detail =
    key === null || key === undefined ? 'no key' : `another key, of ${key.length} bytes`;
  return { cause: 'key', detail };
}

function isCanonicalAt({ bytes, keyStart, keyLength }: RecordPlaces, row: number): boolean {
  const from = bytes[row];
  if (from === undefined || keyLength[row] !== IMPRESSION_KEY_BYTES) return false;
  return isCanonical(from, keyStart[row] as number);
}

function isCanonicalKey(key: SourceRecord['key']): boolean {
  if (typeof key === 'string') return key === canonicalKey.toString('latin1');
  if (key === null || key === undefined || key.length !== IMPRESSION_KEY_BYTES) return false;
  return isCanonical(key, 0);
}

/** A loop beats Buffer.equals on so few bytes. */
function isCanonical(key: Uint8Array, start: number): boolean {
  for (let index = 0; index < IMPRESSION_KEY_BYTES; index += 1)
    if (key[start + index] !== canonicalKey[index]) return false;
  return true;
}
