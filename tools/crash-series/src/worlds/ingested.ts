import { AckedProducer, KafkaAdmin, type KafkaSettings } from '@adtally/kafka';
import { InProcessIngest } from '@adtally/pipeline/testing';
import { kafkaBrokers, testTopic } from '@adtally/testkit';
import { WorldDatabase } from './world-database.ts';

/** A world whose events are counted in this process: what a crash may not change. */
export async function ingestedWorld(partitions = 1) {
  const [brokers, database, topic, dlq, dead] = await Promise.all([
    kafkaBrokers(),
    WorldDatabase.open(),
    testTopic({ partitions }),
    testTopic({ partitions: 2 }),
    testTopic({ partitions: 1 }),
  ]);
  const settings: KafkaSettings = { brokers, clientId: 'crash-series', security: {} };
  const admin = new KafkaAdmin(settings);
  const described = await admin.describeTopic(topic.name);
  const producer = await AckedProducer.connect(settings);
  const ingest = await InProcessIngest.open(database.db, {
    databaseUrl: database.url,
    topic: topic.name,
    topicId: described?.topicId ?? '',
    partitions,
    dlqTopic: dlq.name,
    producer,
  });
  return {
    database,
    ingest,
    admin,
    topic: topic.name,
    dead: dead.name,
    env: {
      KAFKA_BROKERS: brokers,
      DATABASE_URL: database.url,
      EVENTS_TOPIC: topic.name,
      DLQ_TOPIC: dlq.name,
      DEAD_TOPIC: dead.name,
      ADMIN_PORT: '0',
      TOPIC_CHECK_MS: '500ms',
    },
    close: async () => {
      await Promise.all([ingest.close(), producer.close()]);
      admin.close();
      await Promise.all([database.close(), topic.delete(), dlq.delete(), dead.delete()]);
    },
  };
}
