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
    words: "Java's partitioner, over the key as it was sent: the key's form is what is wrong",
    hash: (key) => murmur2(key) & POSITIVE,
  },
  {
    name: 'crc32',
    words:
      "CRC32, librdkafka's default (C, Python, Go, Node, .NET, Rust, Vector, Fluent Bit): set partitioner=murmur2_random",
    hash: (key) => crc32(key),
  },
  {
    name: 'fnv1a',
    words:
      'FNV-1a, the default of sarama (set Producer.Partitioner to NewMurmur2Partitioner) and of kafka-go (set Balancer to Murmur2Balancer)',
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
      'murmur2 without its sign, the default of @platformatic/kafka: set partitioner to compatibilityPartitioner',
    hash: (key) => murmur2(key) >>> 0,
  },
  {
    name: 'murmur2_absolute',
    words:
      'the absolute value of murmur2, as a custom hash in sarama gives it without WithAbsFirst: add that, or take NewMurmur2Partitioner',
    hash: (key) => Math.abs(murmur2(key)),
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
