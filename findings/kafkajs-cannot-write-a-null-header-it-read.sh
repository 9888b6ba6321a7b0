#!/usr/bin/env bash
# kafkajs 2.2.4: a null header value can be read and not be written
#
# Kafka allows a header without a value. kafkajs reads it as null, and throws a TypeError from inside its
# encoder when the same headers are given back to `send`. A relay that copies the headers of what it read
# (a dead-letter queue, a mirror) so stops at the first such record, with an error that names no header.
#
# Seen:
#   read: {"a":null}
#   written: TypeError ERR_INVALID_ARG_TYPE
#
# The broker is librdkafka's mock, from @confluentinc/kafka-javascript 1.10.1; the first writer is
# @platformatic/kafka 2.12.1.
# Needs node >= 20, npm, and a C++ toolchain where the client's prebuilt binary cannot be fetched.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1 @platformatic/kafka@2.12.1 kafkajs@2.2.4

cat >relay.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';
import { Producer } from '@platformatic/kafka';
import kafkajs from 'kafkajs';

const topic = 'headers';
const mock = new CK.Producer({ 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1 });
const { brokers } = await new Promise((resolve, reject) =>
  mock.connect({ topic }, (error, data) => (error ? reject(error) : resolve(data))),
);
const broker = `${brokers[0].host}:${brokers[0].port}`;

const origin = new Producer({ clientId: 'origin', bootstrapBrokers: [broker] });
await origin.send({
  messages: [{ topic, partition: 0, value: Buffer.from('v'), headers: new Map([[Buffer.from('a'), null]]) }],
});
await origin.close();

const kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING, retry: { retries: 0 } });
const consumer = kafka.consumer({ groupId: 'relay' });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
const { headers } = await new Promise((resolve) => {
  void consumer.run({ eachMessage: async ({ message }) => resolve(message) });
});
console.log(`read: ${JSON.stringify(headers)}`);
const producer = kafka.producer();
await producer.connect();
const written = await producer
  .send({ topic, messages: [{ partition: 0, value: 'v', headers }] })
  .then(() => 'accepted', (error) => `${error.name} ${error.code ?? ''}`.trim());
console.log(`written: ${written}`);
process.exit(0);
JS

timeout 120 node --no-warnings relay.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
read: {"a":null}
written: TypeError ERR_INVALID_ARG_TYPE
EXPECTED
