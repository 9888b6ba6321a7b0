// Sends keys to a topic, each as key and as value, with one client as one setting has it.
// Environment: KAFKA_BROKERS, TOPIC, SETTING; keys come on standard input, one a line.
import { text } from 'node:stream/consumers';

const brokers = process.env.KAFKA_BROKERS.split(',');
const topic = process.env.TOPIC;

/** The API that librdkafka has in Node. */
function withNative(settings) {
  return async (keys) => {
    const { default: client } = await import('@confluentinc/kafka-javascript');
    const producer = new client.Producer({
      'bootstrap.servers': brokers.join(),
      dr_cb: true,
      ...settings,
    });
    await call((done) => producer.connect({}, done));
    producer.setPollInBackground(true);
    for (const key of keys) producer.produce(topic, null, Buffer.from(key), key);
    await call((done) => producer.flush(30_000, done));
    await call((done) => producer.disconnect(done));
  };
}

/** The API of the same package that is like KafkaJS. */
function withPromises(settings) {
  return async (keys) => {
    const { default: client } = await import('@confluentinc/kafka-javascript');
    const kafka = new client.KafkaJS.Kafka({ 'bootstrap.servers': brokers.join() });
    const producer = kafka.producer(settings);
    await producer.connect();
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: key })) });
    await producer.disconnect();
  };
}

function withKafkaJs(partitionerOf) {
  return async (keys) => {
    const { default: kafkajs } = await import('kafkajs');
    const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.ERROR });
    const createPartitioner = partitionerOf(kafkajs.Partitioners);
    const producer = kafka.producer(createPartitioner === undefined ? {} : { createPartitioner });
    await producer.connect();
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: key })) });
    await producer.disconnect();
  };
}

function withPlatformatic(partitionerOf) {
  return async (keys) => {
    const platformatic = await import('@platformatic/kafka');
    const partitioner = partitionerOf(platformatic);
    const producer = new platformatic.Producer({
      clientId: 'matrix',
      bootstrapBrokers: brokers,
      serializers: platformatic.stringSerializers,
      ...(partitioner === undefined ? {} : { partitioner }),
    });
    await producer.send({ messages: keys.map((key) => ({ topic, key, value: key })) });
    await producer.close();
  };
}

const SETTINGS = {
  'confluent-native': withNative({}),
  'confluent-native-murmur2': withNative({ partitioner: 'murmur2_random' }),
  'confluent-promises': withPromises(undefined),
  'confluent-promises-kafkajs': withPromises({ kafkaJS: { acks: -1 } }),
  'confluent-promises-murmur2': withPromises({ partitioner: 'murmur2_random' }),
  kafkajs: withKafkaJs(() => undefined),
  'kafkajs-legacy': withKafkaJs((partitioners) => partitioners.LegacyPartitioner),
  platformatic: withPlatformatic(() => undefined),
  'platformatic-compatible': withPlatformatic((module) => module.compatibilityPartitioner),
};

function call(start) {
  return new Promise((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}

const send = SETTINGS[process.env.SETTING];
if (send === undefined) throw new Error(`no such setting: ${process.env.SETTING}`);
await send((await text(process.stdin)).trim().split('\n'));
