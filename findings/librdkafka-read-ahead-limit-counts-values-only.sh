#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1): queued.max.messages.kbytes
#
# "Maximum number of kilobytes of queued pre-fetched messages" counts the bytes of values alone. Records that
# carry their bytes in headers or keys are fetched ahead up to `queued.min.messages` (100,000 by default)
# whatever they weigh: a consumer that was given 64 MiB holds gigabytes of records with large headers.
# `fetch.message.max.bytes` bounds one fetch, not how many fetches are ahead.
#
# Seen (1,000 records of 4 KiB on the broker, a limit of 64 KiB; counted are the records that are still
# delivered once the broker is gone):
#   4 KiB in values: fewer than half fetched ahead
#   4 KiB in headers: all fetched ahead
#   4 KiB in keys: all fetched ahead
#
# Needs node >= 20, npm, and a C++ toolchain where the client's prebuilt binary cannot be fetched.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1

cat >broker.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';

// librdkafka brings a broker for tests; it gets three topics of 1,000 records, 4 KiB each.
const producer = new CK.Producer({ 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1 });
const { brokers } = await new Promise((resolve, reject) =>
  producer.connect({ topic: 'values' }, (error, data) => (error ? reject(error) : resolve(data))),
);
const bytes = Buffer.alloc(4096, 'x');
const small = Buffer.from('v');
for (let i = 0; i < 1000; i += 1) {
  producer.produce('values', 0, bytes, null);
  producer.produce('headers', 0, small, null, null, null, [{ h: bytes }]);
  producer.produce('keys', 0, small, bytes);
}
producer.flush(20_000, () => process.send(`${brokers[0].host}:${brokers[0].port}`));
JS

cat >read-ahead.mjs <<'JS'
import { fork } from 'node:child_process';
import CK from '@confluentinc/kafka-javascript';

const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );

async function fetchedAhead(topic) {
  const child = fork('./broker.mjs');
  const broker = await new Promise((resolve) => child.once('message', resolve));
  const consumer = new CK.KafkaConsumer({
    'bootstrap.servers': broker,
    'group.id': topic,
    'enable.auto.commit': false,
    'queued.max.messages.kbytes': 64,
    'fetch.message.max.bytes': 16_384,
  });
  await call(consumer, 'connect', {});
  consumer.assign([{ topic, partition: 0, offset: 0 }]);
  let records = (await call(consumer, 'consume', 1)).length;
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  child.kill('SIGKILL');
  for (;;) {
    const more = await call(consumer, 'consume', 1000).catch(() => []);
    if (more.length === 0) return records;
    records += more.length;
  }
}

for (const topic of ['values', 'headers', 'keys']) {
  const records = await fetchedAhead(topic);
  const share = records === 1000 ? 'all' : records < 500 ? 'fewer than half' : `${records}`;
  console.log(`4 KiB in ${topic}: ${share} fetched ahead`);
}
process.exit(0);
JS

timeout 120 node --no-warnings read-ahead.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
4 KiB in values: fewer than half fetched ahead
4 KiB in headers: all fetched ahead
4 KiB in keys: all fetched ahead
EXPECTED
