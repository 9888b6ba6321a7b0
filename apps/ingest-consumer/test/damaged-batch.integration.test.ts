import { join } from 'node:path';
import { acceptLoss, listSources } from '@adtally/db';
import { damageBatch, hasKafkaServer, kafkaCluster, type Damage } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectBalanced } from './support/truth.ts';

const EVENTS = 3_000;
const BATCHES = 4;
/** By partition. In the middle of the log its end is told by the batch behind it; of the last it has to be found out. */
const DAMAGED: readonly { batch: number; damage: Damage }[] = [
  { batch: 1, damage: 'records' },
  { batch: -1, damage: 'magic' },
];
const DECISION = { actor: 'a test', reason: 'the disk is gone' };

test.runIf(hasKafkaServer())(
  'I9: a batch damaged on the broker’s disk halts its partition alone, by offset; accept-loss goes on behind it',
  { timeout: 90_000 },
  async () => {
    const cluster = await kafkaCluster();
    onTestFinished(() => cluster.close());
    const the = await stage({ partitions: 3, brokers: cluster.brokers });
    for (let i = 0; i < BATCHES; i += 1) await the.simulate(EVENTS);
    const bad = DAMAGED.map(({ batch, damage }, partition) =>
      damageBatch(join(cluster.logFolder(1), `${the.topic}-${partition}`), batch, damage),
    );
    /** Records that wait behind the damage. */
    const waiting = async () => {
      const ends = await Promise.all(bad.map((_, n) => the.admin.watermarks(the.topic, n)));
      return ends.reduce((sum, { end }, n) => sum + end - (bad[n]?.first ?? 0), 0);
    };
    const consumer = the.start();
    for (const n of bad.keys()) expect(await consumer.halted(n)).toBe('unreadable');
    await the.untilConsumed(EVENTS * BATCHES - (await waiting()), consumer);
    // The others were claimed once, and go on.
    await the.simulate(EVENTS);
    await the.untilConsumed(EVENTS * (BATCHES + 1) - (await waiting()), consumer);
    const sources = await listSources(the.db);
    for (const [n, { first, end }] of bad.entries()) {
      const source = sources.find(({ partition }) => partition === n);
      expect(source).toMatchObject({
        haltedCode: 'unreadable',
        nextOffset: BigInt(first),
        haltedResumeAt: BigInt(end),
      });
      expect(source?.haltedDetail).toContain(`offset ${first} cannot be read, up to ${end - 1}: `);
      const labels = [`partition="${n}"`, 'reason="unreadable"'];
      await consumer.untilMetric('adtally_partition_halted', 1, ...labels);
    }
    expect(consumer.entries.filter(({ msg }) => msg === 'partition claimed')).toHaveLength(3);

    let lost = 0;
    for (const [n, { first, end }] of bad.entries()) {
      const sourceId = sources.find(({ partition }) => partition === n)?.sourceId ?? 0;
      expect(await acceptLoss(the.db, { sourceId, ...DECISION })).toMatchObject({
        outcome: 'accepted',
        lost: BigInt(end - first),
      });
      lost += end - first;
    }
    const total = EVENTS * (BATCHES + 1) - lost;
    await the.untilConsumed(total, consumer);
    expect((await expectBalanced(the)).totals).toMatchObject({ consumed: total });
    await consumer.untilMetric('adtally_partition_halted', 0);
  },
);
