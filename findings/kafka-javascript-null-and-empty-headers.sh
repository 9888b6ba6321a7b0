#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1): null and empty header values
#
# Kafka tells a header value that is null from one that is empty. This client reads both as an empty
# Buffer, and writes an empty Buffer as null, but an empty string as empty. So a consumer that passes the
# headers it read on to another topic (a dead-letter queue, a mirror) turns every empty value into null,
# and cannot do better, since it never learns which of the two it read.
#
# Seen, with a pure JavaScript client as the witness on both sides:
#   read by kafka-javascript: isNull=0 bytes, isEmpty=0 bytes
#   passed on by it, read by kafkajs: isNull=null, isEmpty=null
#   written as empty string: isEmpty=0 bytes
#
# Needs node >= 20, npm, and a C++ toolchain where the client's prebuilt binary cannot be fetched.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 @platformatic/kafka@2.12.1 kafkajs@2.2.4

cat >witness.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';
import { Producer } from '@platformatic/kafka';
import kafkajs from 'kafkajs';

const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );
const show = (value) => (value === null ? 'null' : `${value.length} bytes`);
const topic = 'headers';

// librdkafka brings a broker for tests.
const relay = new CK.Producer({ 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1 });
const { brokers } = await call(relay, 'connect', { topic });
const broker = `${brokers[0].host}:${brokers[0].port}`;

const origin = new Producer({ clientId: 'origin', bootstrapBrokers: [broker] });
const headers = new Map([
  [Buffer.from('isNull'), null],
  [Buffer.from('isEmpty'), Buffer.alloc(0)],
]);
await origin.send({ messages: [{ topic, partition: 0, value: Buffer.from('v'), headers }] });
await origin.close();

const consumer = new CK.KafkaConsumer({ 'bootstrap.servers': broker, 'group.id': 'relay', 'enable.auto.commit': false });
await call(consumer, 'connect', {});
consumer.assign([{ topic, partition: 0, offset: 0 }]);
let messages = [];
while (messages.length === 0) messages = await call(consumer, 'consume', 1);
const read = messages[0].headers;
const seen = [
  `read by kafka-javascript: isNull=${show(read[0].isNull)}, isEmpty=${show(read[1].isEmpty)}`,
];
relay.produce(topic, 0, Buffer.from('v'), null, null, null, read);
relay.produce(topic, 0, Buffer.from('v'), null, null, null, [{ isEmpty: '' }]);
await call(relay, 'flush', 10_000);

const witness = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING }).consumer({ groupId: 'witness' });
await witness.connect();
await witness.subscribe({ topic, fromBeginning: true });
const all = [];
await new Promise((resolve) => {
  void witness.run({
    eachMessage: async ({ message }) => {
      if (all.push(message.headers) === 3) resolve();
    },
  });
});
if (all[0].isNull !== null || all[0].isEmpty?.length !== 0) throw new Error('the origin did not write what was meant');
seen.push(`passed on by it, read by kafkajs: isNull=${show(all[1].isNull)}, isEmpty=${show(all[1].isEmpty)}`);
seen.push(`written as empty string: isEmpty=${show(all[2].isEmpty)}`);
console.log(seen.join('\n'));
process.exit(0);
JS

timeout 120 node --no-warnings witness.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
read by kafka-javascript: isNull=0 bytes, isEmpty=0 bytes
passed on by it, read by kafkajs: isNull=null, isEmpty=null
written as empty string: isEmpty=0 bytes
EXPECTED
