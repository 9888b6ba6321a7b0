#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1): header values that are neither string nor Buffer
#
# For a header value that is neither (null, a number, a boolean) `Producer.produce` throws "Header value must
# be a string or buffer" only where that header is the last of the record; where another one follows,
# nothing is thrown. Either way the record IS sent, without that header. So the exception does not mean
# "not sent": whoever takes it so and produces again has the record twice; and elsewhere a header is gone
# without a word. The cause can be read in src/producer.cc: the error is raised without returning.
#
# Seen (what was thrown, and the headers of the record that arrived):
#   followed by another: null: not thrown; arrived with before, after
#   followed by another: number: not thrown; arrived with before, after
#   last: null: thrown; arrived with before
#   last: number: thrown; arrived with before
#
# Needs node >= 20, npm, and a C++ toolchain where the client's prebuilt binary cannot be fetched.
# Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1

cat >produce.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';

const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );
const topic = 'headers';
const producer = new CK.Producer({ 'bootstrap.servers': 'unused', 'test.mock.num.brokers': 1 });
const { brokers } = await call(producer, 'connect', { topic });
const broker = `${brokers[0].host}:${brokers[0].port}`;

const cases = {
  'followed by another: null': [{ before: 'x' }, { value: null }, { after: 'x' }],
  'followed by another: number': [{ before: 'x' }, { value: 5 }, { after: 'x' }],
  'last: null': [{ before: 'x' }, { value: null }],
  'last: number': [{ before: 'x' }, { value: 5 }],
};
const thrown = [];
for (const headers of Object.values(cases)) {
  try {
    producer.produce(topic, 0, Buffer.from('v'), null, null, null, headers);
    thrown.push('not thrown');
  } catch (error) {
    thrown.push(error.message === 'Header value must be a string or buffer' ? 'thrown' : error.message);
  }
}
await call(producer, 'flush', 10_000);

const consumer = new CK.KafkaConsumer({ 'bootstrap.servers': broker, 'group.id': 'reader', 'enable.auto.commit': false });
await call(consumer, 'connect', {});
consumer.assign([{ topic, partition: 0, offset: 0 }]);
const records = [];
for (let turn = 0; turn < 20 && records.length < thrown.length; turn += 1) {
  records.push(...(await call(consumer, 'consume', 10)));
}
for (const [index, name] of Object.keys(cases).entries()) {
  const headers = records[index]?.headers?.map((header) => Object.keys(header)[0]).join(', ');
  console.log(`${name}: ${thrown[index]}; arrived with ${headers}`);
}
process.exit(0);
JS

timeout 120 node --no-warnings produce.mjs | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
followed by another: null: not thrown; arrived with before, after
followed by another: number: not thrown; arrived with before, after
last: null: thrown; arrived with before
last: number: thrown; arrived with before
EXPECTED
