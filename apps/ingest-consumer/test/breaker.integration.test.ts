import { setTimeout as sleep } from 'node:timers/promises';
import { requestNotification } from '@adtally/db';
import { BREAKER_ALERT } from '../src/breaker/breaker-alerts.ts';
import { type BreakerStatus } from '../src/breaker/partition-breakers.ts';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import type { ConsumerProcess } from './support/consumer-process.ts';
import { planter, type Planter } from './support/planted.ts';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, found } from './support/truth.ts';

const GOOD = 0;
const BAD = 1;
const FLOOD = 20_000;
/** As docs/operations.md states it: half of the window, and one fetch. */
const OVERSHOOT = 500 + 1_000;
const RATE = 50;

async function scene(): Promise<{ the: Stage; plant: Planter }> {
  const the = await stage({ partitions: 2 });
  const plant = await planter(the);
  onTestFinished(() => plant.close());
  return { the, plant };
}

async function breakerOf(consumer: ConsumerProcess, partition: number): Promise<BreakerStatus> {
  const shown = (await (await consumer.get('/breaker')).json()) as { partitions: BreakerStatus[] };
  const status = shown.partitions.find((one) => one.partition === partition);
  if (status === undefined) throw new Error(`no breaker of partition ${partition}`);
  return status;
}

async function untilBreaker(
  consumer: ConsumerProcess,
  partition: number,
  state: BreakerStatus['state'],
): Promise<void> {
  await consumer.until(`breaker of partition ${partition} ${state}`, async () => {
    return (await breakerOf(consumer, partition)).state === state;
  });
}

async function nextOffset(consumer: ConsumerProcess, partition: number): Promise<number> {
  const { owned } = await consumer.status();
  const cursor = owned.find((one) => one.partition === partition);
  if (cursor === undefined) throw new Error(`partition ${partition} is not owned`);
  return cursor.next_offset;
}

async function force(consumer: ConsumerProcess, order: object): Promise<number> {
  return (await consumer.post('/breaker', order)).status;
}

/** What was asked of the alerter, oldest first. */
async function requests(
  the: Stage,
): Promise<{ key: string; status: string; summary: string; detail: unknown }[]> {
  const rows = await the.db
    .selectFrom('notification_requests')
    .select(['alert_key', 'status', 'summary', 'detail'])
    .where('alert', '=', BREAKER_ALERT)
    .orderBy('request_id')
    .execute();
  return rows.map(({ alert_key: key, ...request }) => ({ key, ...request }));
}

async function untilRequested(the: Stage, by: ConsumerProcess, ...statuses: string[]) {
  await by.until(`requests ${statuses.join(', ')}`, async () => {
    return (await requests(the)).map(({ status }) => status).join() === statuses.join();
  });
}

/** Every record is counted once: the good ones as events, the bad ones as dead letters. */
async function expectCounted(the: Stage, good: number, bad: number): Promise<void> {
  expect(await found(the)).toMatchObject({
    acked: good + bad,
    unique: good,
    duplicate: 0,
    conflict: 0,
    dead_lettered: bad === 0 ? {} : { malformed_json: bad },
  });
  await expectBalanced(the);
}

test('a flood of bad records is slowed and told once; others go on, a drain ends, and it recovers by itself', async () => {
  const { the, plant } = await scene();
  await Promise.all([plant.good(GOOD, FLOOD), plant.bad(BAD, FLOOD)]);
  const startedMs = performance.now();
  // What may be let through by now, even had it opened at the start.
  const bound = () => OVERSHOOT + RATE * ((performance.now() - startedMs) / 1_000 + 1);
  const first = the.start({ BREAKER_RECORDS_PER_SECOND: String(RATE) });
  await untilBreaker(first, BAD, 'open');
  await first.until('the good partition drained', async () => {
    return (await nextOffset(first, GOOD)) === FLOOD;
  });
  expect(await nextOffset(first, BAD)).toBeLessThanOrEqual(bound());

  await sleep(2_500);
  expect(await nextOffset(first, BAD)).toBeLessThanOrEqual(bound());
  // It is slowed, not stopped.
  await first.until('more of the bad ones', async () => {
    return (await nextOffset(first, BAD)) > 500 + 2 * RATE;
  });
  const letters = await Promise.all([0, 1].map((index) => the.admin.watermarks(the.dlq, index)));
  expect(letters.reduce((sum, { end }) => sum + end, 0)).toBeLessThanOrEqual(bound());
  await first.untilMetric('adtally_breaker_open', 1, `partition="${BAD}"`);
  await first.untilMetric('adtally_breaker_open', 0, `partition="${GOOD}"`);
  await first.untilMetric('adtally_consumer_lag_seconds', (seconds) => seconds > 2);
  expect((await first.get('/livez')).status).toBe(200);
  expect(await requests(the)).toMatchObject([
    {
      key: `${the.topic}/${BAD}`,
      status: 'firing',
      summary: expect.stringContaining('malformed_json 501'),
      detail: {
        causes: [
          expect.stringMatching(/^malformed json, 501 events, source unknown \(fingerprint/),
        ],
      },
    },
  ]);

  const drainMs = performance.now();
  expect((await first.stop()).code).toBe(0);
  expect(performance.now() - drainMs).toBeLessThan(5_000);
  expect(first.entries.filter(({ level }) => level === 'error')).toEqual([]);

  await plant.good(BAD, 15_000);
  const second = the.start({ BREAKER_RECORDS_PER_SECOND: '5000' });
  await the.untilConsumed(2 * FLOOD + 15_000, second);
  await untilBreaker(second, BAD, 'closed');
  await second.logged('rejection breaker closed: partition is read at full speed');
  await untilRequested(the, second, 'firing', 'firing', 'resolved');
  await second.untilMetric('adtally_breaker_openings_total', 1, 'cause="share"');
  await expectCounted(the, FLOOD + 15_000, FLOOD);
});

test('killed while open, and its successor forced closed by an operator: every record counts once', async () => {
  const { the, plant } = await scene();
  await Promise.all([plant.good(GOOD, 2_000), plant.bad(BAD, 10_000)]);
  const first = the.start();
  await untilBreaker(first, BAD, 'open');
  await untilRequested(the, first, 'firing');
  await first.kill();
  expect(await the.consumed()).toBeLessThan(2_000 + OVERSHOOT + 10 * RATE);

  const second = the.startElsewhere();
  await untilBreaker(second, BAD, 'open');
  expect(await force(second, { partition: 7, force: 'closed' })).toBe(404);
  expect(await force(second, { partition: BAD, force: 'shut' })).toBe(400);
  expect(await force(second, { partition: BAD, force: 'closed' })).toBe(202);
  await the.untilConsumed(12_000, second);
  expect(await breakerOf(second, BAD)).toMatchObject({ state: 'closed', force: 'closed' });
  await untilRequested(the, second, 'firing', 'firing', 'resolved');
  await expectCounted(the, 2_000, 10_000);

  // Open by force: good records are slowed too, until the operator lets go.
  expect(await force(second, { force: 'open' })).toBe(202);
  await untilBreaker(second, GOOD, 'open');
  await plant.good(GOOD, 5_000);
  await sleep(1_000);
  expect(await nextOffset(second, GOOD)).toBeLessThan(2_000 + 1_000);
  expect(await force(second, { force: 'auto' })).toBe(202);
  await the.untilConsumed(17_000, second);
  await expectCounted(the, 7_000, 10_000);
});

test('an alert that a former owner left firing ends when the new one has read a good window', async () => {
  const { the, plant } = await scene();
  await requestNotification(the.db, {
    alert: BREAKER_ALERT,
    key: `${the.topic}/${GOOD}`,
    status: 'firing',
    summary: 'left by a process that died',
    detail: {},
    requestedBy: 'a test',
  });
  await plant.good(GOOD, 1_000);
  const consumer = the.start();
  await untilRequested(the, consumer, 'firing', 'resolved');
  await the.untilConsumed(1_000, consumer);
  await consumer.untilMetric('adtally_records_consumed_total', 1_000);
  await consumer.untilMetric('adtally_breaker_openings_total', 0);
  await expectCounted(the, 1_000, 0);
});

/** Records of it (packages/pipeline/src/fetch-window.ts). */
const FIRST_FETCH = 16;

test('rows the database refuses open it as well, and the loss of patience is bounded by three batches', async () => {
  const { the, plant } = await scene();
  await plant.good(GOOD, 1_000);
  await sql`ALTER TABLE events ADD CONSTRAINT a_mistake CHECK (currency <> 'EUR')`.execute(the.db);
  const env = { BATCH_MAX_EVENTS: '100', BREAKER_WINDOW_RECORDS: '100' };
  const consumer = the.start({ ...env, BREAKER_RECORDS_PER_SECOND: '1' });
  await untilBreaker(consumer, GOOD, 'open');
  await untilRequested(the, consumer, 'firing');
  expect((await requests(the))[0]?.summary).toContain('data_refused');
  // What was on its way when it opened is refused as well.
  await sleep(2_000);
  await sql`ALTER TABLE events DROP CONSTRAINT a_mistake`.execute(the.db);
  expect(await force(consumer, { force: 'closed' })).toBe(202);
  await the.untilConsumed(1_000, consumer);
  const { unique, dead_lettered } = await found(the);
  const refused = dead_lettered['data_refused'] ?? 0;
  expect(unique + refused).toBe(1_000);
  expect(refused).toBeGreaterThan(50);
  // Before them went what the first fetch of the process brought.
  expect(refused).toBeLessThanOrEqual(FIRST_FETCH + 3 * 100 + 10);
  await expectBalanced(the);
});

test('a partition revoked while it rests goes on with its next owner, each record once', async () => {
  const { the, plant } = await scene();
  await Promise.all([plant.bad(GOOD, 4_000), plant.bad(BAD, 4_000)]);
  const env = { BREAKER_RECORDS_PER_SECOND: '200' };
  const first = the.start(env);
  await untilBreaker(first, GOOD, 'open');
  await untilBreaker(first, BAD, 'open');
  const second = the.start(env);
  await Promise.all([first.owns(1), second.owns(1)]);
  const [moved] = (await second.status()).owned;
  await untilBreaker(second, moved?.partition ?? -1, 'open');
  expect((await first.stop()).code).toBe(0);
  await second.owns(2);
  await untilBreaker(second, GOOD, 'open');
  await untilBreaker(second, BAD, 'open');
  expect(await the.consumed()).toBeLessThan(8_000);
  expect(await force(second, { force: 'closed' })).toBe(202);
  await the.untilConsumed(8_000, second);
  await expectCounted(the, 0, 8_000);
});
