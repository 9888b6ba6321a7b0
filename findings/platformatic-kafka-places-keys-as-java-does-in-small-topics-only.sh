#!/usr/bin/env bash
# @platformatic/kafka 2.12.1: keys go where Java puts them as long as the topic has 2, 4, 8, 16 ... partitions
#
# The default partitioner is Java's hash without Java's rule for negative ones: it takes the hash as unsigned, Java
# drops its highest bit. The remainder by a power of two is the same, by any other number it is not for half of the
# keys. So a test topic with 4 or 8 partitions shows both clients in agreement, and a topic with 12 splits half of the
# keys over two partitions as soon as Java, or librdkafka with murmur2_random, writes it too.
# `partitioner: compatibilityPartitioner`, of the same package, is Java's.
#
# Seen, of 10,000 keys:
#   2 partitions: 10000 as Java
#   8 partitions: 10000 as Java
#   12 partitions: 5003 as Java
#   12 partitions, compatibilityPartitioner: 10000 as Java
#
# Java is org.apache.kafka:kafka-clients 4.3.1's rule, (murmur2(key) & 0x7fffffff) % partitions, held to its own vector.
# Needs node >= 20 and npm. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @platformatic/kafka@2.12.1

cat >place.mjs <<'JS'
import { compatibilityPartitioner, defaultPartitioner } from '@platformatic/kafka';

/** org.apache.kafka.common.utils.Utils.murmur2 */
function murmur2(data) {
  let hash = 0x9747b28c ^ data.length;
  const words = data.length >> 2;
  for (let at = 0; at < words * 4; at += 4) {
    let word = Math.imul(data.readInt32LE(at), 0x5bd1e995);
    word ^= word >>> 24;
    hash = Math.imul(hash, 0x5bd1e995) ^ Math.imul(word, 0x5bd1e995);
  }
  const tail = data.subarray(words * 4);
  if (tail.length > 2) hash ^= tail[2] << 16;
  if (tail.length > 1) hash ^= tail[1] << 8;
  if (tail.length > 0) hash = Math.imul(hash ^ tail[0], 0x5bd1e995);
  hash = Math.imul(hash ^ (hash >>> 13), 0x5bd1e995);
  return hash ^ (hash >>> 15);
}

if (murmur2(Buffer.from('foobar')) !== -790332482) throw new Error("not Java's hash");

function agreeing(partitioner, partitions) {
  let agreed = 0;
  for (let n = 0; n < 10_000; n += 1) {
    const key = Buffer.from(`key-${n}`);
    const java = (murmur2(key) & 0x7fffffff) % partitions;
    // As the producer does with what its partitioner returns.
    if (partitioner({}, key) % partitions === java) agreed += 1;
  }
  return agreed;
}

for (const partitions of [2, 8, 12])
  console.log(`${partitions} partitions: ${agreeing(defaultPartitioner, partitions)} as Java`);
console.log(
  `12 partitions, compatibilityPartitioner: ${agreeing(compatibilityPartitioner, 12)} as Java`,
);
JS

timeout 60 node --no-warnings place.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
2 partitions: 10000 as Java
8 partitions: 10000 as Java
12 partitions: 5003 as Java
12 partitions, compatibilityPartitioner: 10000 as Java
EXPECTED
