import { hasKafkaServer, kafkaCluster, setQuota } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { planter } from './support/planted.ts';
import { stage } from './support/stage.ts';
import { expectBalanced, expectExact } from './support/truth.ts';

const BYTES_PER_SECOND = 60_000;
const DEAD_LETTER_BYTES_PER_SECOND = 5_000;
const PARTITIONS = 12;
/** Minutes of reading at that pace. */
const EVENTS = 20_000;
const BAD_RECORDS = 300;
/** The broker counts over 11 s and lets through some hundred KB each 10 to 30 s. */
const QUIET_MS = 31_000;

test.runIf(hasKafkaServer())(
  'I13: what a quota throttles goes on at its pace, gives up no claim, and says that it is throttled',
  { timeout: 300_000 },
  async () => {
    const cluster = await kafkaCluster();
    onTestFinished(() => cluster.close());
    const the = await stage({ partitions: PARTITIONS, brokers: cluster.brokers });
    const plant = await planter(the);
    onTestFinished(() => plant.close());
    const truth = await the.simulate(EVENTS);
    await setQuota(cluster, 'consumer_byte_rate', BYTES_PER_SECOND);
    const consumer = the.start();
    await consumer.owns(PARTITIONS);
    const epochs = async () => (await consumer.status()).owned.map(({ epoch }) => epoch);
    const claimed = await epochs();
    const saysSo = async () => (await consumer.status()).held_up?.code === 'throttled';
    await consumer.until('it to be throttled', saysSo);
    await consumer.logged(
      'throttled by a quota of the broker',
      (line) => line['client'] === 'consumer',
    );
    await consumer.untilMetric(
      'adtally_throttled_seconds_total',
      (s) => s > 0,
      'client="consumer"',
    );
    // Twice: what delivers nothing for 30 s is claimed again, unless it is throttled.
    const startedMs = performance.now();
    for (let burst = 1; burst <= 2 || performance.now() - startedMs < QUIET_MS; burst += 1) {
      await the.untilConsumed((await the.consumed()) + 1, consumer);
    }
    expect(await epochs()).toEqual(claimed);
    await setQuota(cluster, 'consumer_byte_rate', undefined);
    await the.untilConsumed(truth.acked, consumer);
    await expectExact(the, truth);
    await consumer.logged('throttled no longer');

    await setQuota(cluster, 'producer_byte_rate', DEAD_LETTER_BYTES_PER_SECOND);
    await plant.bad(0, BAD_RECORDS);
    await plant.bad(1, BAD_RECORDS);
    await consumer.logged(
      'throttled by a quota of the broker',
      (line) => line['client'] === 'producer',
    );
    await setQuota(cluster, 'producer_byte_rate', undefined);
    await the.untilConsumed(truth.acked + 2 * BAD_RECORDS, consumer);
    await expectBalanced(the);
  },
);
