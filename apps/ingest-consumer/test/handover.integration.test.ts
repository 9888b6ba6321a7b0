import { KafkaAdmin } from '@adtally/kafka';
import { hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';

/** A member that waited for its next heartbeat would hardly ever learn of anything within the limit. */
const HEARTBEAT_MS = 300_000;
const SESSION_MS = 900_000;
const LIMIT_MS = 60_000;
const PARTITIONS = 6;

test.runIf(hasKafkaServer())(
  'partitions change hands without waiting for a heartbeat: when a process comes, and when it is drained',
  { timeout: 240_000 },
  async () => {
    const cluster = await kafkaCluster({
      settings: {
        'group.consumer.heartbeat.interval.ms': String(HEARTBEAT_MS),
        'group.consumer.max.heartbeat.interval.ms': String(HEARTBEAT_MS),
        'group.consumer.session.timeout.ms': String(SESSION_MS),
        'group.consumer.max.session.timeout.ms': String(SESSION_MS),
      },
    });
    onTestFinished(() => cluster.close());
    const the = await stage();
    const admin = new KafkaAdmin({ brokers: cluster.brokers, clientId: 'test', security: {} });
    await admin.ensureTopics([
      { name: the.topic, partitions: PARTITIONS, replication: 1, config: {} },
      { name: the.dlq, partitions: 1, replication: 1, config: {} },
    ]);
    admin.close();
    const env = { KAFKA_BROKERS: cluster.brokers, GROUP_PROTOCOL: 'consumer' };
    const first = the.start(env);
    await first.untilReady();
    await first.owns(PARTITIONS);

    const cameMs = performance.now();
    const second = the.start(env);
    await second.untilReady();
    await Promise.all([first.owns(PARTITIONS / 2), second.owns(PARTITIONS / 2)]);
    expect(performance.now() - cameMs).toBeLessThan(LIMIT_MS);

    second.signal('SIGTERM');
    expect((await second.ended).code).toBe(0);
    const leftMs = performance.now();
    await first.owns(PARTITIONS);
    expect(performance.now() - leftMs).toBeLessThan(LIMIT_MS);
  },
);
