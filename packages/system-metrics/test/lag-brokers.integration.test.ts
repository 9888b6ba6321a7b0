import { KafkaAdmin } from '@adtally/kafka';
import { hasKafkaServer, kafkaCluster, produceRecords } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { lagStage } from './support/lag-stage.ts';

const NAMED_MS = 60_000;
const ONE_REPLICA = { 'min.insync.replicas': '1' };

test.runIf(hasKafkaServer())(
  'one silent broker of three is named for the partitions it leads, and delays the others by seconds',
  async () => {
    const cluster = await kafkaCluster({ brokers: 3 });
    onTestFinished(() => cluster.close());
    const { brokers } = cluster;
    const the = await lagStage({ partitions: 3, brokers, config: ONE_REPLICA });
    const admin = new KafkaAdmin({ brokers, clientId: 'lag-test', security: {} });
    onTestFinished(() => admin.close());
    const described = await admin.describeTopic(the.topic.name);
    // Not the controller: who takes its place is another matter.
    const isPlain = ({ leader }: { leader: number | null }) => leader !== cluster.controller();
    const silent = described?.partitions.find(isPlain);
    const living = described?.partitions.find(({ leader }) => leader !== silent?.leader);
    await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 0);
    cluster.freeze(silent?.leader ?? 0);
    onTestFinished(() => cluster.thaw(silent?.leader ?? 0));
    await produceRecords(
      the.topic.name,
      [1, 2, 3].map((n) => ({ partition: living?.partition ?? -1, value: Buffer.from(`${n}`) })),
      cluster.internalBroker(living?.leader ?? 0),
    );
    const label = `partition="${living?.partition}"`;
    await the.untilFigure('adtally_consumer_lag_records', (lag) => lag === 3, label);
    const named = async (code: string) =>
      await the.untilStuck(silent?.partition ?? -1, code, NAMED_MS);
    // First its leader is silent, then the controller takes the lead away from it.
    const { stuck } = await named('leader_missing');
    expect(stuck?.detail).toContain(`[${silent?.partition}] has no leader`);
    cluster.thaw(silent?.leader ?? 0);
    await the.untilStuck(silent?.partition ?? -1, null, NAMED_MS);
  },
);
