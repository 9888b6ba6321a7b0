#!/usr/bin/env bash
# @confluentinc/kafka-javascript 1.10.1 (librdkafka 2.15.1) with Apache Kafka 4.3.1: an answer to a heartbeat that is late
#
# With `group.protocol=consumer` (KIP-848) partitions are given and taken in answers to ConsumerGroupHeartbeat. librdkafka
# gives such a request up after one heartbeat interval. Its next heartbeat is not a full one (rdkafka_cgrp.c sets
# SEND_FULL_REQUEST for errors that have it look for the coordinator, and a time-out is none of those), and to one that is not
# full the broker tells changes alone. So an order to give partitions back that comes late is never heard: whoever is to
# get them waits until the broker throws the first member out, after its max.poll.interval.ms (here 45 s; 300 s unless set).
# Expected: after a heartbeat that timed out a full one, as after a transport error.
#
# Two members share four partitions, with a heartbeat interval of 0.5 s. The first one's connections pass a proxy,
# which hands the one answer that takes two partitions away on at once, or 3 s late, and everything else at once.
#
# Seen:
#   answered at once: the second member has its partitions within 10 s
#   answered 3 s late: the second member has its partitions after more than 30 s
#   requests given up by the first: at once 0, late 1
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
proxy=$(free_port)
proxied=$(free_port)
controller=$(free_port)
cat >server.properties <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,PROXIED://127.0.0.1:$proxied,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port,PROXIED://127.0.0.1:$proxy
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs=$work/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=500
PROPERTIES
java -cp 'jars/*' kafka.tools.StorageTool format -t finding0finding0finding0 -c server.properties >format.log 2>&1
java -Xmx512m -cp 'jars/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker_pid=$!

cat >heartbeat.mjs <<'JS'
import net from 'node:net';
import CK from '@confluentinc/kafka-javascript';

const [direct, proxyPort, proxiedPort] = process.argv.slice(2);
const HEARTBEAT = 68;
const LATE_MS = 3_000;
const call = (target, method, ...args) =>
  new Promise((resolve, reject) =>
    target[method](...args, (error, result) => (error ? reject(error) : resolve(result))),
  );

/** Splits the bytes of one direction into messages, each with its length before it. */
function messages(onMessage) {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 4 && rest.length >= 4 + rest.readInt32BE(0)) {
      const end = 4 + rest.readInt32BE(0);
      onMessage(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
  };
}

/** Whether an answer to a heartbeat assigns partitions: of those before, all or some. */
function assigns(answer) {
  let at = 4 + 4 + 1 + 4 + 2; // length, correlation id, tags, throttle time, error
  for (let text = 0; text < 2; text += 1) at += Math.max(1, answer[at]); // message and member id, both short
  return answer.readInt8(at + 8) === 1;
}

/** How long the next answer that assigns something is held back, in ms; null where none is. */
let hold = null;
net
  .createServer((client) => {
    const server = net.connect(Number(proxiedPort), '127.0.0.1');
    const heartbeats = new Set();
    client.on('data', messages((request) => {
      if (request.readInt16BE(4) === HEARTBEAT) heartbeats.add(request.readInt32BE(8));
      server.write(request);
    }));
    server.on('data', messages((answer) => {
      const isHeld = hold !== null && heartbeats.has(answer.readInt32BE(4)) && assigns(answer);
      const forMs = isHeld ? hold : 0;
      if (isHeld) hold = null;
      if (forMs === 0) client.write(answer);
      else setTimeout(() => client.destroyed || client.write(answer), forMs);
    }));
    for (const [one, other] of [[client, server], [server, client]]) {
      one.on('error', () => other.destroy());
      one.on('close', () => other.destroy());
    }
  })
  .listen(Number(proxyPort), '127.0.0.1');

async function join(brokers, topic) {
  const member = { partitions: 0, givenUp: 0, leave: () => {} };
  const consumer = new CK.KafkaConsumer({
    'bootstrap.servers': brokers,
    'group.id': topic,
    'group.protocol': 'consumer',
    'max.poll.interval.ms': 45_000,
    'enable.auto.commit': false,
    rebalance_cb: (error, partitions) => {
      const isGrant = error.code === CK.CODES.ERRORS.ERR__ASSIGN_PARTITIONS;
      member.partitions += isGrant ? partitions.length : -partitions.length;
      if (isGrant) consumer.incrementalAssign(partitions);
      else consumer.incrementalUnassign(partitions);
    },
  });
  consumer.on('event.log', ({ message }) => {
    if (/Timed out ConsumerGroupHeartbeatRequest/.test(message)) member.givenUp += 1;
  });
  await call(consumer, 'connect', {});
  consumer.subscribe([topic]);
  consumer.setDefaultConsumeTimeout(100);
  let isIn = true;
  const loop = (async () => {
    while (isIn) await call(consumer, 'consume', 10).catch(() => {});
    await call(consumer, 'disconnect');
  })();
  member.leave = () => ((isIn = false), loop);
  return member;
}

async function until(condition) {
  const from = Date.now();
  while (!condition()) {
    if (Date.now() - from > 90_000) throw new Error('nothing happened for 90 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return (Date.now() - from) / 1_000;
}

const admin = CK.AdminClient.create({ 'bootstrap.servers': direct });
async function handOver(topic, heldForMs) {
  await call(admin, 'createTopic', { topic, num_partitions: 4, replication_factor: 1 });
  const first = await join(`127.0.0.1:${proxyPort}`, topic);
  await until(() => first.partitions === 4);
  hold = heldForMs;
  const second = await join(direct, topic);
  const seconds = await until(() => second.partitions > 0);
  if (hold !== null) throw new Error('no answer took partitions away');
  console.error(`# ${topic}: ${seconds} s`);
  await Promise.all([first.leave(), second.leave()]);
  return { seconds, givenUp: first.givenUp };
}

const within = ({ seconds }) =>
  seconds < 10 ? 'within 10 s' : seconds > 30 ? 'after more than 30 s' : `after ${seconds} s`;
const inTime = await handOver('in-time', 0);
console.log(`answered at once: the second member has its partitions ${within(inTime)}`);
const late = await handOver('late', LATE_MS);
console.log(`answered 3 s late: the second member has its partitions ${within(late)}`);
console.log(`requests given up by the first: at once ${inTime.givenUp}, late ${late.givenUp}`);
process.exit(0);
JS

timeout 240 node heartbeat.mjs "127.0.0.1:$port" "$proxy" "$proxied" | tee seen.txt
diff seen.txt - <<'EXPECTED' || { echo 'the behaviour has changed'; exit 1; }
answered at once: the second member has its partitions within 10 s
answered 3 s late: the second member has its partitions after more than 30 s
requests given up by the first: at once 0, late 1
EXPECTED
