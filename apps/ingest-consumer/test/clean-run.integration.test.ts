import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

test('I8: a clean run stores exactly the truth, the metrics agree, and SIGTERM ends it with 0', async () => {
  const the = await stage({ partitions: 6 });
  const consumer = the.start();
  const truth = await the.simulate(20_000, { mix: { malformed: 0.02, misrouted: 0.01 } });
  await the.untilConsumed(truth.acked, consumer);
  await expectExact(the, truth);

  const rejected = Object.entries(truth.dead_lettered);
  const deadLettered = rejected.reduce((sum, [, count]) => sum + count, 0);
  // Every way a producer can spoil a record is among them.
  expect(rejected.length).toBe(15);
  await consumer.untilMetric('adtally_records_consumed_total', truth.acked);
  const outcomes = { stored: truth.unique, duplicate: truth.duplicate, conflict: truth.conflict };
  for (const [outcome, count] of Object.entries({ ...outcomes, dead_lettered: deadLettered })) {
    await consumer.untilMetric('adtally_events_total', count, `outcome="${outcome}"`);
  }
  for (const [code, count] of rejected) {
    await consumer.untilMetric('adtally_dead_letters_total', count, `code="${code}"`);
  }
  await consumer.untilMetric('adtally_misrouted_records_total', truth.misrouted);
  await consumer.untilMetric('adtally_unknown_fields_total', truth.unknown_fields);

  const marks = await Promise.all([0, 1].map((index) => the.admin.watermarks(the.dlq, index)));
  expect(marks.reduce((sum, { end }) => sum + end, 0)).toBe(deadLettered);

  const { owned, halted } = await consumer.status();
  expect(owned.map(({ partition }) => partition).toSorted()).toEqual([0, 1, 2, 3, 4, 5]);
  expect(halted).toEqual([]);
  for (const { partition, next_offset } of owned) {
    expect(next_offset).toBe((await the.admin.watermarks(the.topic, partition)).end);
  }
  expect((await consumer.get('/readyz')).status).toBe(200);
  expect((await consumer.stop()).code).toBe(0);
});
