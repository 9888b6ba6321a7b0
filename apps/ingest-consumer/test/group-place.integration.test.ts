import { KafkaAdmin } from '@adtally/kafka';
import { grant, hasKafkaServer, kafkaCluster, revoke, type KafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';

const CONFIG_ERROR = 78;
const EVENTS = 500;
const TIMEOUT_MS = 150_000;
const USER = 'app';
const PASSWORD = 'right';

/** A stage whose topics are on brokers of their own. */
async function stageOn(cluster: KafkaCluster): Promise<Stage> {
  onTestFinished(() => cluster.close());
  const the = await stage();
  const admin = new KafkaAdmin({
    brokers: cluster.internalBrokers,
    clientId: 'test',
    security: {},
  });
  await admin.ensureTopics(
    [the.topic, the.dlq].map((name) => ({ name, partitions: 2, replication: 1, config: {} })),
  );
  admin.close();
  return the;
}

/** Brokers where `USER` may do what it is given. */
async function guarded() {
  const cluster = await kafkaCluster({ users: { [USER]: PASSWORD }, acls: true });
  const the = await stageOn(cluster);
  await grant(cluster, USER, { topic: the.dlq }, 'ALL');
  await grant(cluster, USER, { cluster: true }, 'IDEMPOTENT_WRITE');
  const env = {
    KAFKA_BROKERS: cluster.brokers,
    KAFKA_SECURITY_PROTOCOL: 'sasl_plaintext',
    KAFKA_SASL_MECHANISM: 'PLAIN',
    KAFKA_SASL_USERNAME: USER,
    KAFKA_SASL_PASSWORD: PASSWORD,
  };
  return {
    the,
    env,
    giveTopic: () => grant(cluster, USER, { topic: the.topic }, 'ALL'),
    giveGroup: () => grant(cluster, USER, { group: the.group }, 'ALL'),
    takeGroup: () => revoke(cluster, USER, { group: the.group }, 'ALL'),
    simulate: () => the.simulate(EVENTS, { brokers: cluster.internalBrokers }),
  };
}

test.each(['consumer', 'classic'])(
  'a member that gets no partition is a spare, and ready, with the %s protocol',
  async (protocol) => {
    const the = await stage({ partitions: 1 });
    const first = the.start({ GROUP_PROTOCOL: protocol });
    await first.untilReady();
    await first.owns(1);
    const second = the.start({ GROUP_PROTOCOL: protocol });
    await second.untilReady();
    expect((await second.status()).owned).toEqual([]);
    expect((await first.status()).owned).toHaveLength(1);
  },
);

test.runIf(hasKafkaServer())(
  'brokers that do not speak the group protocol that is asked for: 78 at once, and in their words; by default none is',
  { timeout: TIMEOUT_MS },
  async () => {
    const cluster = await kafkaCluster({
      settings: { 'group.coordinator.rebalance.protocols': 'classic' },
    });
    const the = await stageOn(cluster);
    const consumer = the.start({ KAFKA_BROKERS: cluster.brokers, GROUP_PROTOCOL: 'consumer' });
    const { code, stderr } = await consumer.ended;
    expect(code).toBe(CONFIG_ERROR);
    expect(stderr).toContain('not_supported');
    const auto = the.start({ KAFKA_BROKERS: cluster.brokers });
    await auto.untilReady();
    expect(auto.entries).toContainEqual(expect.objectContaining({ protocol: 'classic' }));
  },
);

test.runIf(hasKafkaServer()).each(['consumer', 'classic'])(
  'rights on group and topic with the %s protocol: missing at start they are named and end in 78, ' +
    'given they let it in, taken away later they are waited for',
  { timeout: TIMEOUT_MS },
  async (protocol) => {
    const { the, env, giveTopic, giveGroup, takeGroup, simulate } = await guarded();
    const all = { ...env, GROUP_PROTOCOL: protocol };
    const withoutTopic = the.start({ ...all, REFUSED_MAX_MS: '3s' });
    await withoutTopic.untilNotReady('topic_authorization');
    expect((await withoutTopic.ended).code).toBe(CONFIG_ERROR);

    await giveTopic();
    const withoutGroup = the.start({ ...all, REFUSED_MAX_MS: '3s' });
    await withoutGroup.untilNotReady('group_authorization');
    const { code, stderr } = await withoutGroup.ended;
    expect(code).toBe(CONFIG_ERROR);
    expect(stderr).toContain('Group authorization failed');

    const consumer = the.start(all);
    await consumer.untilNotReady('group_authorization');
    await giveGroup();
    await consumer.untilReady();
    await takeGroup();
    await consumer.untilNotReady('group_authorization');
    expect((await consumer.get('/livez')).status).toBe(200);
    const truth = await simulate();
    await giveGroup();
    await consumer.untilReady();
    await the.untilConsumed(truth.acked, consumer);
  },
);
