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
  const leader = await waitFor(
    async () => (await admin.describeTopic(topic))?.partitions[0]?.leader ?? undefined,
    { what: 'a leader', timeoutMs: 60_000 },
  );
  const holds = (node: number) => existsSync(join(cluster.logFolder(node), `${topic}-0`));
  const follower = await waitFor(
    async () => [1, 2, 3].find((node) => node !== leader && holds(node)),
    { what: 'a follower', timeoutMs: 60_000 },
  );
  return { leader, follower };
}

/** Two replicas, one of which is enough to go on with, however little it has. */
const CARELESS = {
  'min.insync.replicas': '1',
  'unclean.leader.election.enable': 'true',
};

/** When it happens, and what can be told then: where no epoch is known, that the log is short, for as long as it is. */
const CASES = [
  { when: 'under a living consumer', code: 'log_diverged' },
  { when: 'while nobody reads', code: 'log_diverged' },
  { when: 'while nobody reads, of an unknown epoch,', code: 'log_shrunk' },
] as const;

test.runIf(hasKafkaServer()).each(CASES)(
  'I9: an unclean leader election $when halts as $code; accept-loss counts what the new log holds',
  // Once more, with another cluster: of a machine under load a broker may be missed later than a producer waits.
  { timeout: 180_000, retry: 1 },
  async ({ when, code }) => {
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
    const isRead = when === 'under a living consumer';
    if (!isRead) {
      await first.until('who wrote the last record is noted', async () => {
        const cursor = await the.db.selectFrom('cursors').select('read_up_to').executeTakeFirst();
        return cursor?.read_up_to === BigInt(KEPT + LOST);
      });
      await first.stop();
    }
    if (code === 'log_shrunk') {
      const unknown = { read_up_to: null, read_leader_epoch: null };
      await the.db.updateTable('cursors').set(unknown).execute();
    }
    await cluster.kill(leader);
    await cluster.start(follower);
    if (code === 'log_diverged') await the.simulate(REPLACED_BY);

    const consumer = isRead ? first : the.start();
    expect(await consumer.halted(0)).toBe(code);
    if (code === 'log_shrunk') await the.simulate(REPLACED_BY);
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
