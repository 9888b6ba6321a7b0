import { listSources } from '@adtally/db';
import { hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { planter } from './support/planted.ts';
import { stage } from './support/stage.ts';

const RECORDS = 20;
/** Several looks at the topic, also where each waits for a broker that is gone. */
const LOOKED_AT_MS = 20_000;

test.runIf(hasKafkaServer())(
  'a partition whose only broker is dead leaves its owner ready and is named; looks at the others go on',
  { timeout: 120_000 },
  async () => {
    const cluster = await kafkaCluster({ brokers: 3 });
    onTestFinished(() => cluster.close());
    // One replica each: nobody else can lead it.
    const the = await stage({ partitions: 3, brokers: cluster.brokers });
    const plant = await planter(the);
    onTestFinished(() => plant.close());
    const described = await the.admin.describeTopic(the.topic);
    const [dead] = (described?.partitions ?? []).filter(
      ({ leader }) => leader !== cluster.controller(),
    );
    const living = described?.partitions.findLast(({ leader }) => leader !== dead?.leader);
    const consumer = the.start();
    await consumer.owns(3);
    await consumer.untilReady();
    await cluster.kill(dead?.leader ?? 0);
    await plant.good(living?.partition ?? 0, RECORDS);
    await the.untilConsumed(RECORDS, consumer);

    const answers = new Set<string>();
    let knownEnd: bigint | null = null;
    const deadline = performance.now() + LOOKED_AT_MS;
    while (performance.now() < deadline) {
      const answer = await consumer.get('/readyz');
      answers.add(`${answer.status} ${await answer.text()}`);
      const sources = await listSources(the.db);
      knownEnd =
        sources.find(({ partition }) => partition === living?.partition)?.knownEndOffset ?? null;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const reasonOf = async (): Promise<string | null | undefined> => {
      const { owned, waiting } = await consumer.status();
      return [...owned, ...waiting].find(({ partition }) => partition === dead?.partition)?.reason;
    };
    await consumer.until('why', async () => (await reasonOf()) === 'leader_missing');
    const hasPartition = (list: unknown) => (list as number[]).includes(dead?.partition ?? -1);
    await consumer.until('a line that says so', () =>
      consumer.entries.find(
        ({ reason, partitions }) => reason === 'leader_missing' && hasPartition(partitions),
      ),
    );
    // It may have been the group's coordinator as well: that is looked for anew, and said.
    const isOfBrokers = (answer: string) => !answer.startsWith('200') && !answer.includes('group');
    expect([...answers].filter(isOfBrokers)).toEqual([]);
    expect(knownEnd).toBe(BigInt(RECORDS));
  },
);
