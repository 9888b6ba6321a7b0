import { crc32 } from 'node:zlib';
import { murmur2 } from '@adtally/key-derivation';

/** A partitioner that clients have, by how it hashes a key and what it makes of a negative hash. */
export interface Partitioner {
  /** Short name in snake case. */
  readonly name: string;
  /** Whose it is, and the setting that makes it Java's. */
  readonly words: string;
  /** A number whose remainder by the number of partitions is the partition. */
  readonly hash: (key: Uint8Array) => number;
}

const POSITIVE = 0x7fffffff;

/** The known ones, Java's first: of two that explain the same records the first is named. */
export const PARTITIONERS: readonly Partitioner[] = [
  {
    name: 'java',
    words: "Java's partitioner over the key as it was sent: the key is what is to be mended",
    hash: (key) => murmur2(key) & POSITIVE,
  },
  {
    name: 'crc32',
    words:
      "CRC32, librdkafka's default (C, Python, Go, Node, Rust and what is made of it): set partitioner=murmur2_random",
    hash: (key) => crc32(key),
  },
  {
    name: 'fnv1a',
    words:
      'FNV-1a: sarama as it comes (take NewMurmur2Partitioner), kafka-go with Hash (take Murmur2Balancer), ' +
      'the kafka output of Bento (set partitioner: murmur2_hash), Telegraf (has no other)',
    hash: (key) => Math.abs(fnv1a(key)),
  },
  {
    name: 'fnv1a_reference',
    words:
      "FNV-1a with Java's sign rule, sarama's NewReferenceHashPartitioner: take NewMurmur2Partitioner",
    hash: (key) => fnv1a(key) & POSITIVE,
  },
  {
    name: 'murmur2_unsigned',
    words:
      'murmur2 without a sign, the default of @platformatic/kafka: set partitioner to compatibilityPartitioner',
    hash: (key) => murmur2(key) >>> 0,
  },
  {
    name: 'murmur2_absolute',
    words:
      'the absolute value of murmur2, a custom hash in sarama without WithAbsFirst: add it, or take NewMurmur2Partitioner',
    hash: (key) => Math.abs(murmur2(key)),
  },
  {
    name: 'kafkajs_legacy',
    words: 'the partitioner of KafkaJS before 2.0 (LegacyPartitioner): take its DefaultPartitioner',
    hash: (key) => kafkaJsLegacy(key) & POSITIVE,
  },
];

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** FNV-1a of 32 bits, signed. */
function fnv1a(data: Uint8Array): number {
  let hash = FNV_OFFSET | 0;
  for (const byte of data) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash;
}

const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;

/**
 * murmur2 in floating point: products past 2^53 lose their last bits, and so the hash its likeness to Java's. Bytes
 * past the last whole word are mixed in twice.
 */
function kafkaJsLegacy(data: Uint8Array): number {
  const byte = (at: number): number => data[at] ?? 0;
  let hash = SEED ^ data.length;
  for (let at = 0; at < data.length; at += 4) {
    let word = byte(at) + (byte(at + 1) << 8) + (byte(at + 2) << 16) + (byte(at + 3) << 24);
    word *= MIX;
    word ^= word >>> 24;
    word *= MIX;
    hash *= MIX;
    hash ^= word;
  }
  const tail = data.length & ~3;
  const rest = data.length & 3;
  if (rest === 3) hash ^= byte(tail + 2) << 16;
  if (rest >= 2) hash ^= byte(tail + 1) << 8;
  if (rest >= 1) hash = (hash ^ byte(tail)) * MIX;
  hash ^= hash >>> 13;
  hash *= MIX;
  return hash ^ (hash >>> 15);
}
