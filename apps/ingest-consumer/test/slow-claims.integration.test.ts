import { ADVISORY_LOCK_CLASS, ADVISORY_LOCKS, openDatabase } from '@adtally/db';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { hasKafkaServer, kafkaCluster } from '@adtally/testkit';
import type { ConsumerProcess } from './support/consumer-process.ts';
import { planter, type Planter } from './support/planted.ts';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced } from './support/truth.ts';

const PARTITIONS = 2;
const ROUNDS = 10;
const RECORDS = 20;
/** A claim that holds up the loop does so for the database's lock time-out, 10 s. */
const STALL_MAX_MS = 7_000;

/** Registrations of sources wait until it is let go, each until its own time-out. */
async function holdRegistrations(the: Stage): Promise<() => Promise<void>> {
  const stranger = openDatabase(the.databaseUrl, {
    applicationName: 'stranger',
    maxConnections: 1,
    statementTimeoutMs: 0,
  });
  onTestFinished(() => stranger.destroy());
  const ask = (what: string) =>
    sql`SELECT ${sql.raw(what)}(${ADVISORY_LOCK_CLASS}::int, ${ADVISORY_LOCKS.sources}::int)`.execute(
      stranger,
    );
  await ask('pg_advisory_lock');
  return async () => void (await ask('pg_advisory_unlock'));
}

/** The slowest of some rounds of records, from being produced to being counted. */
async function slowestMs(
  the: Stage,
  consumer: ConsumerProcess,
  plant: Planter,
  partition: number,
): Promise<number> {
  let slowest = 0;
  for (let round = 1; round <= ROUNDS; round += 1) {
    const startedMs = performance.now();
    await plant.good(partition, RECORDS);
    await the.untilConsumed(round * RECORDS, consumer);
    slowest = Math.max(slowest, performance.now() - startedMs);
  }
  return slowest;
}

test('I13: a claim that waits for the database holds up nothing that is owned', async () => {
  const the = await stage({ partitions: PARTITIONS });
  const plant = await planter(the);
  onTestFinished(() => plant.close());
  const consumer = the.start();
  const other = the.start();
  await Promise.all([consumer.owns(1), other.owns(1)]);
  const letGo = await holdRegistrations(the);
  // What is registered is claimed all the same...
  await other.stop();
  await consumer.owns(PARTITIONS);
  // ...a partition that is new has to be.
  await the.admin.addPartitions(the.topic, PARTITIONS + 1);
  const waiting = await consumer.until('a granted partition that waits', async () => {
    return (await consumer.status()).waiting[0];
  });
  expect(waiting.partition).toBe(PARTITIONS);
  expect(await slowestMs(the, consumer, plant, 0)).toBeLessThan(STALL_MAX_MS);
  expect((await consumer.status()).owned).toHaveLength(PARTITIONS);
  await letGo();
  // The other one's client knows of two partitions.
  const late = await planter(the);
  onTestFinished(() => late.close());
  await late.good(waiting.partition, RECORDS);
  await the.untilConsumed((ROUNDS + 1) * RECORDS, consumer);
  await expectBalanced(the);
});

test.runIf(hasKafkaServer())(
  'I13: a claim that waits for a frozen leader holds up nothing that is owned, and says what it waits for',
  { timeout: 180_000 },
  async () => {
    const cluster = await kafkaCluster({ brokers: 3 });
    onTestFinished(() => cluster.close());
    // One replica each: nobody else can lead it.
    const the = await stage({ partitions: 6, brokers: cluster.brokers });
    const plant = await planter(the);
    onTestFinished(() => plant.close());
    const described = await the.admin.describeTopic(the.topic);
    const leaders = new Map(described?.partitions.map((one) => [one.partition, one.leader]));
    const consumer = the.start();
    const other = the.start();
    await Promise.all([consumer.owns(3), other.owns(3)]);
    const ledBy = async (by: ConsumerProcess) =>
      (await by.status()).owned.map(
        ({ partition }) => [partition, leaders.get(partition)] as const,
      );
    const [frozen] = (await ledBy(other)).map(([, leader]) => leader);
    const [own] = (await ledBy(consumer)).find(([, leader]) => leader !== frozen) ?? [];
    cluster.freeze(frozen as number);
    await other.stop();
    const ofFrozen = async () =>
      (await consumer.status()).waiting.find((one) => leaders.get(one.partition) === frozen);
    await consumer.until('a partition of the frozen leader granted', ofFrozen);
    expect(await slowestMs(the, consumer, plant, own as number)).toBeLessThan(STALL_MAX_MS);
    const stuck = await consumer.until('what it waits for', async () => {
      const waiting = await ofFrozen();
      return waiting?.reason === null ? undefined : waiting;
    });
    expect(['broker_unreachable', 'leader_missing']).toContain(stuck.reason);
    cluster.thaw(frozen as number);
    await consumer.owns(6);
    await plant.good(stuck.partition, RECORDS);
    await the.untilConsumed((ROUNDS + 1) * RECORDS, consumer);
    await expectBalanced(the);
  },
);
