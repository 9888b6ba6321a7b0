#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1) with Apache Kafka 4.3.1: a topic deleted and made again
#
# Brokers tell topics of one name apart by their id since Kafka 2.8 (KIP-516), and fetches name it. A consumer
# whose topic is deleted and made again nevertheless reads on: in the new topic, at the offset it had
# reached in the old one, without an error or event, also with `auto.offset.reset=error`. What the new topic
# holds below that offset is never delivered; what is delivered looks like the old topic's next records.
# A consumer that keeps exactly-once books by (topic, partition, offset) must ask for the topic's id itself.
#
# Seen (250 records are in the new topic, the old position is 100):
#   first topic: 100 records
#   second topic: 150 records, offsets 100 to 249, "second topic"
#   errors: none
#
# Needs node >= 20, npm, a JDK >= 17, mvn, and a C++ toolchain where the client's prebuilt binary cannot be
# fetched. Exits 0 while the behaviour is as described, 1 where it has changed.
set -euo pipefail
work=$(mktemp -d)
broker_pid=''
trap '[ -z "$broker_pid" ] || kill "$broker_pid" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT
cd "$work"
echo '{"private":true,"type":"module"}' >package.json
npm install --silent --no-audit --no-fund @confluentinc/kafka-javascript@1.10.1

cat >pom.xml <<'XML'
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.3.1</version>
    </dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=jars -DincludeScope=runtime

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }
port=$(free_port)
controller=$(free_port)
cat >server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$work/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
PROPERTIES
java -cp 'jars/*' kafka.tools.StorageTool format -t finding0finding0finding0 -c server.properties >format.log 2>&1
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker_pid=$!

cat >recreate.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';

const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const common = { 'bootstrap.servers': process.argv[2] };
const topic = 'events';
const admin = CK.AdminClient.create(common);
const producer = new CK.Producer(common);
await call(producer, 'connect', { timeout: 30_000 });

async function createTopic() {
  for (;;) {
    try {
      return await call(admin, 'createTopic', { topic, num_partitions: 1, replication_factor: 1 });
    } catch (error) {
      if (!/already exists/.test(error.message)) throw error;
      await pause(50); // the deleted one is still being removed
    }
  }
}
async function produce(count, text) {
  for (let i = 0; i < count; i += 1) producer.produce(topic, 0, Buffer.from(text), null);
  await call(producer, 'flush', 10_000);
}

await createTopic();
await produce(100, 'first topic');
const consumer = new CK.KafkaConsumer({
  ...common,
  'group.id': 'reader',
  'enable.auto.commit': false,
  'auto.offset.reset': 'error',
});
await call(consumer, 'connect', {});
consumer.assign([{ topic, partition: 0, offset: 0 }]);
const errors = new Set();
async function read(count) {
  const records = [];
  for (const end = Date.now() + 30_000; Date.now() < end && records.length < count; ) {
    const more = await call(consumer, 'consume', 1000).catch((error) => {
      errors.add(error.message);
      return [];
    });
    records.push(...more);
  }
  return records;
}
console.log(`first topic: ${(await read(100)).length} records`);
await call(admin, 'deleteTopic', topic);
await createTopic();
await produce(250, 'second topic');
const records = await read(150);
const offsets = records.map(({ offset }) => offset);
console.log(`second topic: ${records.length} records, offsets ${offsets[0]} to ${offsets.at(-1)}, "${records[0]?.value}"`);
console.log(`errors: ${[...errors].join('; ') || 'none'}`);
process.exit(0);
JS

timeout 150 node recreate.mjs "127.0.0.1:$port" | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
first topic: 100 records
second topic: 150 records, offsets 100 to 249, "second topic"
errors: none
EXPECTED
