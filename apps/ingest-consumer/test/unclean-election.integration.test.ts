import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acceptLoss, listSources } from '@adtally/db';
import { hasKafkaServer, kafkaCluster, waitFor, type KafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced } from './support/truth.ts';

const KEPT = 500;
const LOST = 400;
const REPLACED_BY = 700;

/** The topic's one partition: who leads it, and who follows. */
async function replicasOf(cluster: KafkaCluster, { admin, topic }: Stage) {
  const leader = (await admin.describeTopic(topic))?.partitions[0]?.leader;
  if (typeof leader !== 'number') throw new Error('the partition has no leader');
  const holds = (node: number) => existsSync(join(cluster.logFolder(node), `${topic}-0`));
  const follower = await waitFor(
    async () => [1, 2, 3].find((node) => node !== leader && holds(node)),
    { what: 'a follower', timeoutMs: 10_000 },
  );
  return { leader, follower };
}

/** Two replicas, one of which is enough to go on with, however little it has. */
const CARELESS = {
  'min.insync.replicas': '1',
  'unclean.leader.election.enable': 'true',
};

test.runIf(hasKafkaServer()).each(['under a living consumer', 'while nobody reads'])(
  'I9: an unclean leader election %s halts by name; accept-loss counts what the new log holds',
  { timeout: 180_000 },
  async (when) => {
    const cluster = await kafkaCluster({ brokers: 3, settings: CARELESS });
    onTestFinished(() => cluster.close());
    const the = await stage({ partitions: 1, brokers: cluster.brokers, replication: 2 });
    const { leader, follower } = await replicasOf(cluster, the);
    const first = the.start();
    await the.simulate(KEPT);
    await the.untilConsumed(KEPT, first);
    await cluster.kill(follower);
    // Acknowledged once the dead one counts as out of sync.
    await the.simulate(LOST);
    await the.untilConsumed(KEPT + LOST, first);
    if (when === 'while nobody reads') {
      await first.until('who wrote the last record is noted', async () => {
        const cursor = await the.db.selectFrom('cursors').select('read_up_to').executeTakeFirst();
        return cursor?.read_up_to === BigInt(KEPT + LOST);
      });
      await first.stop();
    }
    await cluster.kill(leader);
    await cluster.start(follower);
    await the.simulate(REPLACED_BY);

    const consumer = when === 'while nobody reads' ? the.start() : first;
    expect(await consumer.halted(0)).toBe('log_diverged');
    const [source] = await listSources(the.db);
    expect(source).toMatchObject({
      nextOffset: BigInt(KEPT + LOST),
      haltedResumeAt: BigInt(KEPT),
    });
    // It drops what the new leader lacks.
    await cluster.start(leader);
    const decision = { sourceId: source?.sourceId ?? 0, actor: 'a test', reason: 'it was unclean' };
    expect(await acceptLoss(the.db, decision)).toMatchObject({ lost: 0n, closed: true });
    await the.untilConsumed(KEPT + LOST + REPLACED_BY, consumer);
    const { totals } = await expectBalanced(the);
    expect(totals).toMatchObject({ consumed: KEPT + LOST + REPLACED_BY, lost: 0 });
  },
);
