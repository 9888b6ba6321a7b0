#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1) with Apache Kafka 4.3.1: cooperative-sticky, a hand-over
#
# With the classic protocol a member joins its group once a second at most (rdkafka_cgrp.c, `rkcg_join_intvl` in
# rd_kafka_cgrp_join_state_serve). Who gave partitions back skips the wait; who only hears that the group is rebalancing
# does not. A cooperative hand-over is two rebalances: all join, one member is asked to give partitions back, does
# so, and all join again. Where it gives them back at once, the others joined a moment ago, the second rebalance waits
# for them, and the partitions have no owner for about a second, however fast everything else is. Where it gives them
# back 1.1 s after it was asked, the others join as soon as they hear of it.
# The late answer has a price: until it is given, librdkafka pauses all partitions of the member, those that it keeps
# too. It is a gain for a member that reads them by other means, or still has records in hand.
#
# And a `heartbeat.interval.ms` below half a second is not kept by a client that is left alone: its main thread looks
# for a due heartbeat whenever it wakes (rd_kafka_thread_main), and by itself it wakes for its timers, the shortest of
# which are of 500 ms and 1 s. Asking it something wakes it too, such as `assignments()`.
#
# Two members share three partitions, and a third member joins: one partition is handed over. All have a heartbeat
# interval of 100 ms and are asked for their assignments every 20 ms, so that they hear of a rebalance early. The time
# is that from incrementalUnassign at the one to the grant at the other, the median of 7 rounds. In each partition 50
# records a second are made; those counted were made later than 0.1 s after the member was asked. The heartbeats are
# those of a member alone in its group, in a topic without records, by its statistics.
#
# Seen:
#   given back at once: without an owner for about 1 s
#   given back 1.1 s later: without an owner for less than 0.5 s
#   records handed out to the member meanwhile: none
#   heartbeats in 10 s, left alone: fewer than 45
#   heartbeats in 10 s, asked every 20 ms: more than 65
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
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$work/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
PROPERTIES
java -cp 'jars/*' kafka.tools.StorageTool format -t finding0finding0finding0 -c server.properties >format.log 2>&1
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker_pid=$!

cat >hand-over.mjs <<'JS'
import CK from '@confluentinc/kafka-javascript';

const [brokers] = process.argv.slice(2);
const TOPIC = 'handed-over';
const PARTITIONS = 3;
const ROUNDS = 7;
const ASK_EVERY_MS = 20;
const LATE_MS = 1_100;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );

async function until(condition) {
  const from = Date.now();
  while (!condition()) {
    if (Date.now() - from > 60_000) throw new Error('nothing happened for 60 s');
    await wait(5);
  }
}

/** `answerAfterMs`: how long after it was asked to give partitions back it does. `events`: what the group had it do. */
async function join(topic, isAsked, more = {}) {
  const member = { partitions: 0, records: 0, answerAfterMs: 0, events: [] };
  const consumer = new CK.KafkaConsumer({
    'bootstrap.servers': brokers,
    'group.id': topic,
    'partition.assignment.strategy': 'cooperative-sticky',
    'heartbeat.interval.ms': 100,
    'enable.auto.commit': false,
    ...more,
    rebalance_cb: (error, partitions) => {
      const isGrant = error.code === CK.CODES.ERRORS.ERR__ASSIGN_PARTITIONS;
      const event = { isGrant, count: partitions.length, askedAt: Date.now(), records: 0 };
      member.events.push(event);
      const answer = () => {
        event.at = performance.now();
        member.partitions += isGrant ? event.count : -event.count;
        if (isGrant) consumer.incrementalAssign(partitions);
        else consumer.incrementalUnassign(partitions);
      };
      if (isGrant || member.answerAfterMs === 0) answer();
      else setTimeout(answer, member.answerAfterMs);
    },
  });
  consumer.on('event.stats', ({ message }) => {
    const connections = Object.values(JSON.parse(message).brokers);
    member.heartbeats?.push(connections.reduce((sum, { req }) => sum + (req.Heartbeat ?? 0), 0));
  });
  await call(consumer, 'connect', {});
  consumer.subscribe([topic]);
  consumer.setDefaultConsumeTimeout(20);
  let isIn = true;
  const asking = isAsked ? setInterval(() => consumer.assignments(), ASK_EVERY_MS) : undefined;
  const loop = (async () => {
    while (isIn) {
      const records = await call(consumer, 'consume', 100).catch(() => []);
      member.records += records.length;
      const last = member.events.at(-1);
      if (last?.at === undefined && last !== undefined)
        last.records += records.filter(({ timestamp }) => timestamp > last.askedAt + 100).length;
    }
    clearInterval(asking);
    await call(consumer, 'disconnect');
  })();
  member.leave = () => ((isIn = false), loop);
  return member;
}

const median = (values) => values.toSorted((one, other) => one - other)[(values.length - 1) / 2];
const admin = CK.AdminClient.create({ 'bootstrap.servers': brokers });
/** The first is asked for while the broker starts. */
const createTopic = (topic, num_partitions) =>
  call(admin, 'createTopic', { topic, num_partitions, replication_factor: 1 }, 60_000);

async function handOvers() {
  await createTopic(TOPIC, PARTITIONS);
  const producer = new CK.Producer({ 'bootstrap.servers': brokers });
  await call(producer, 'connect', {});
  const producing = setInterval(() => {
    for (let to = 0; to < PARTITIONS; to += 1) producer.produce(TOPIC, to, Buffer.from('v'));
  }, 20);
  const members = [await join(TOPIC, true), await join(TOPIC, true)];
  const unowned = { 0: [], [LATE_MS]: [] };
  let records = 0;
  for (let round = 0; round < 2 * ROUNDS; round += 1) {
    const answerAfterMs = round % 2 === 0 ? 0 : LATE_MS;
    const areIn = () => members.reduce((sum, member) => sum + member.partitions, 0) === PARTITIONS;
    await until(() => areIn() && members.every(({ partitions }) => partitions > 0));
    for (const member of members) member.records = 0;
    await wait(2_000);
    if (members.some((member) => member.records === 0)) throw new Error('nothing was read');
    for (const member of members) Object.assign(member, { answerAfterMs, events: [] });
    const joining = await join(TOPIC, true);
    await until(() => joining.partitions > 0);
    const [givenBack] = members.flatMap(({ events }) => events.filter((event) => !event.isGrant));
    const granted = joining.events.find((event) => event.count > 0);
    unowned[answerAfterMs].push(Math.round(granted.at - givenBack.at));
    records += givenBack.records;
    await joining.leave();
  }
  clearInterval(producing);
  console.error(`# without an owner, ms: ${unowned[0].join(' ')}; later: ${unowned[LATE_MS].join(' ')}`);
  await Promise.all(members.map((member) => member.leave()));
  return { atOnceMs: median(unowned[0]), lateMs: median(unowned[LATE_MS]), records };
}

async function heartbeatsIn10s(topic, isAsked) {
  await createTopic(topic, 1);
  const member = await join(topic, isAsked, { 'statistics.interval.ms': 10_000 });
  await until(() => member.partitions === 1);
  member.heartbeats = [];
  await until(() => member.heartbeats.length === 2);
  const [before, after] = member.heartbeats;
  console.error(`# ${topic}: ${after - before} heartbeats in 10 s`);
  await member.leave();
  return after - before;
}

const { atOnceMs, lateMs, records } = await handOvers();
const isASecond = atOnceMs > 700 && atOnceMs < 1_500;
console.log(`given back at once: without an owner for ${isASecond ? 'about 1 s' : `${atOnceMs} ms`}`);
console.log(`given back 1.1 s later: without an owner for ${lateMs < 500 ? 'less than 0.5 s' : `${lateMs} ms`}`);
console.log(`records handed out to the member meanwhile: ${records === 0 ? 'none' : records}`);
const alone = await heartbeatsIn10s('left-alone', false);
console.log(`heartbeats in 10 s, left alone: ${alone < 45 ? 'fewer than 45' : alone}`);
const asked = await heartbeatsIn10s('asked', true);
console.log(`heartbeats in 10 s, asked every 20 ms: ${asked > 65 ? 'more than 65' : asked}`);
process.exit(0);
JS

timeout 360 node hand-over.mjs "127.0.0.1:$port" | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
given back at once: without an owner for about 1 s
given back 1.1 s later: without an owner for less than 0.5 s
records handed out to the member meanwhile: none
heartbeats in 10 s, left alone: fewer than 45
heartbeats in 10 s, asked every 20 ms: more than 65
EXPECTED
