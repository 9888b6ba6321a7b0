import { join } from 'node:path';
import { acceptLoss, listSources } from '@adtally/db';
import { damageBatch, hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectBalanced } from './support/truth.ts';

const EVENTS = 3_000;
const BATCHES = 4;
/** One of the partition in the middle: records before it and behind it. */
const DAMAGED = 1;

test.runIf(hasKafkaServer())(
  'I9: a batch damaged on the broker’s disk halts its partition alone, by offset; accept-loss goes on behind it',
  { timeout: 90_000 },
  async () => {
    const cluster = await kafkaCluster();
    onTestFinished(() => cluster.close());
    const the = await stage({ partitions: 3, brokers: cluster.brokers });
    for (let i = 0; i < BATCHES; i += 1) await the.simulate(EVENTS);
    const bad = damageBatch(join(cluster.logFolder(1), `${the.topic}-0`), DAMAGED);
    const consumer = the.start();
    expect(await consumer.halted(0)).toBe('unreadable');
    const { end } = await the.admin.watermarks(the.topic, 0);
    await the.untilConsumed(EVENTS * BATCHES - (end - bad.first), consumer);
    // The others were claimed once, and go on.
    await the.simulate(EVENTS);
    const { end: grown } = await the.admin.watermarks(the.topic, 0);
    await the.untilConsumed(EVENTS * (BATCHES + 1) - (grown - bad.first), consumer);
    const source = (await listSources(the.db)).find(({ partition }) => partition === 0);
    expect(source).toMatchObject({
      haltedCode: 'unreadable',
      nextOffset: BigInt(bad.first),
      haltedResumeAt: BigInt(bad.end),
    });
    expect(source?.haltedDetail).toContain(
      `offset ${bad.first} cannot be read, up to ${bad.end - 1}: `,
    );
    await consumer.untilMetric(
      'adtally_partition_halted',
      1,
      'partition="0"',
      'reason="unreadable"',
    );
    expect(consumer.entries.filter(({ msg }) => msg === 'partition claimed')).toHaveLength(3);

    const decision = {
      sourceId: source?.sourceId ?? 0,
      actor: 'a test',
      reason: 'the disk is gone',
    };
    expect(await acceptLoss(the.db, decision)).toMatchObject({
      outcome: 'accepted',
      lost: BigInt(bad.end - bad.first),
    });
    const total = EVENTS * (BATCHES + 1) - (bad.end - bad.first);
    await the.untilConsumed(total, consumer);
    expect((await expectBalanced(the)).totals).toMatchObject({ consumed: total });
    await consumer.untilMetric('adtally_partition_halted', 0);
  },
);
