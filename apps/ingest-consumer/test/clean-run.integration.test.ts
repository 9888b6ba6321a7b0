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
  await consumer.until('metrics of the last batch', async () => {
    return (await consumer.metric('adtally_records_consumed_total')) === truth.acked;
  });
  const outcome = (name: string) => consumer.metric('adtally_events_total', `outcome="${name}"`);
  expect(await outcome('stored')).toBe(truth.unique);
  expect(await outcome('duplicate')).toBe(truth.duplicate);
  expect(await outcome('conflict')).toBe(truth.conflict);
  expect(await outcome('dead_lettered')).toBe(deadLettered);
  for (const [code, count] of rejected) {
    expect(await consumer.metric('adtally_dead_letters_total', `code="${code}"`)).toBe(count);
  }
  expect(await consumer.metric('adtally_misrouted_records_total')).toBe(truth.misrouted);
  expect(await consumer.metric('adtally_unknown_fields_total')).toBe(truth.unknown_fields);

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
