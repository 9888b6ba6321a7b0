#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1: any setting in the block `kafkaJS` moves nearly all keys to other partitions
#
# The package has two APIs and two default partitioners. The RdKafka API hashes keys by CRC32, as librdkafka does. The
# KafkaJS API hashes them by murmur2, as Java does, but only where its producer is given a block `kafkaJS` with a
# setting in it: whoever adds `acks` there, or takes it out, or moves code from one API to the other, sends the same
# key to another partition. The order of a key's records breaks at that deploy, and no error or warning says so.
# `partitioner: 'murmur2_random'`, set in all of them, is the same everywhere.
#
# Seen, the partitions of the keys k0 .. k7 of a topic with 4:
#   RdKafka API: 31312020
#   KafkaJS API: 31312020
#   KafkaJS API with kafkaJS.acks: 11100010
#
# The broker is librdkafka's mock, from the package itself.
# Needs node >= 20, npm, and a C++ toolchain where the client's prebuilt binary cannot be fetched.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1

cat >place.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';

const keys = Array.from({ length: 8 }, (_, n) => `k${n}`);
const mock = new CK.Producer({
  'bootstrap.servers': 'unused',
  'test.mock.num.brokers': 1,
});
const topic = 'keys';
const { brokers } = await new Promise((resolve, reject) =>
  mock.connect({ topic }, (error, data) => (error ? reject(error) : resolve(data))),
);
const servers = `${brokers[0].host}:${brokers[0].port}`;

async function byRdKafka() {
  const producer = new CK.Producer({ 'bootstrap.servers': servers, dr_cb: true });
  const placed = new Map();
  producer.on('delivery-report', (_, { key, partition }) => placed.set(String(key), partition));
  await new Promise((resolve, reject) =>
    producer.connect({}, (error) => (error ? reject(error) : resolve())),
  );
  producer.setPollInBackground(true);
  for (const key of keys) producer.produce(topic, null, Buffer.from('v'), key);
  await new Promise((resolve, reject) =>
    producer.flush(10_000, (error) => (error ? reject(error) : resolve())),
  );
  while (placed.size < keys.length) await new Promise((resolve) => setTimeout(resolve, 50));
  return keys.map((key) => placed.get(key)).join('');
}

async function byKafkaJs(settings) {
  const producer = new CK.KafkaJS.Kafka({ 'bootstrap.servers': servers }).producer(settings);
  await producer.connect();
  const placed = [];
  for (const key of keys) {
    const [{ partition }] = await producer.send({ topic, messages: [{ key, value: 'v' }] });
    placed.push(partition);
  }
  return placed.join('');
}

console.log(`RdKafka API: ${await byRdKafka()}`);
console.log(`KafkaJS API: ${await byKafkaJs()}`);
console.log(`KafkaJS API with kafkaJS.acks: ${await byKafkaJs({ kafkaJS: { acks: -1 } })}`);
process.exit(0);
JS

# The KafkaJS API tells on standard output that it connected.
timeout 120 node --no-warnings place.mjs | grep ' API' | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
RdKafka API: 31312020
KafkaJS API: 31312020
KafkaJS API with kafkaJS.acks: 11100010
EXPECTED
