import { expect, test } from 'vitest';
import { PARTITIONERS } from '../src/producer-check/partitioners.ts';

function hashes(name: string, ...keys: string[]): (number | undefined)[] {
  const partitioner = PARTITIONERS.find((one) => one.name === name);
  return keys.map((key) => partitioner?.hash(Buffer.from(key)));
}

/** Vectors of librdkafka's own tests; where clients put keys is seen by tools/producer-matrix. */
test('FNV-1a is made positive as sarama does, CRC32 has no sign', () => {
  const keys = ['kafka', 'giberish123456789', '1234'];
  expect(hashes('fnv1a', ...keys)).toEqual([0xd33c4e1, 0x77a58295, 0x23bdd03]);
  expect(hashes('crc32', '123456789')).toEqual([0xcbf43926]);
});

test('sign rules differ where the hash is negative', () => {
  // A vector of the Java client's own tests.
  expect(hashes('java', 'foobar')).toEqual([-790_332_482 & 0x7fffffff]);
  expect(hashes('murmur2_unsigned', 'foobar')).toEqual([-790_332_482 >>> 0]);
  expect(hashes('murmur2_absolute', 'foobar')).toEqual([790_332_482]);
});
