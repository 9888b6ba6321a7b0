import { Plan, type PlannedRecord } from '@adtally/event-simulator';
import { AckedProducer } from '@adtally/kafka';
import { partitionFor } from '@adtally/key-derivation';
import { growTopic } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage, type Stage } from './support/stage.ts';
import { expectBalanced, found } from './support/truth.ts';

const EVENTS = 500;
const BEFORE = 2;
const AFTER = 5;
const NOTHING_SPECIAL = {
  click: 0,
  conversion: 0,
  duplicate: 0,
  conflict: 0,
  malformed: 0,
  outOfOrder: 0,
  nonV7: 0,
  respelt: 0,
  misrouted: 0,
  unknownFields: 0,
  keyHeader: 0,
};

function impressions(): PlannedRecord[] {
  const plan = { events: EVENTS, seed: 5, baseTimeMs: Date.now(), partitions: BEFORE };
  return [...new Plan({ ...plan, mix: NOTHING_SPECIAL })];
}

async function produce(
  the: Stage,
  records: readonly PlannedRecord[],
  partitions: number,
): Promise<void> {
  // One of its own each time: a producer learns of new partitions only once a minute.
  const producer = await AckedProducer.connect(the.settings);
  const outcomes = await producer.produceAll(
    records.map(({ key, value }) => ({
      topic: the.topic,
      partition: placeOf(key, partitions),
      key,
      value,
    })),
  );
  await producer.close();
  expect(outcomes.every((outcome) => outcome === 'acked')).toBe(true);
}

function placeOf(key: PlannedRecord['key'], partitions: number): number {
  return partitionFor(Buffer.from(key ?? ''), partitions);
}

test('I5: partitions added under a reading consumer count from 0; copies that moved are stored once', async () => {
  const the = await stage({ partitions: BEFORE });
  const consumer = the.start();
  const records = impressions();
  await produce(the, records, BEFORE);
  await the.untilConsumed(EVENTS, consumer);
  await consumer.untilMetric('adtally_records_consumed_total', EVENTS);
  await consumer.untilMetric('adtally_misrouted_records_total', 0);

  await growTopic(the.topic, AFTER);
  await consumer.owns(AFTER);
  await produce(the, records, AFTER);
  // A producer that does not know of the new partitions yet.
  await produce(the, records, BEFORE);
  await the.untilConsumed(3 * EVENTS, consumer);

  const moved = records.filter(({ key }) => placeOf(key, AFTER) !== placeOf(key, BEFORE)).length;
  expect(moved).toBeGreaterThan(0);
  await consumer.untilMetric('adtally_misrouted_records_total', moved);
  expect(await found(the)).toMatchObject({ unique: EVENTS, duplicate: 2 * EVENTS });
  const { sources } = await expectBalanced(the);
  expect(sources.map(({ genesis }) => genesis)).toEqual([0, 0, 0, 0, 0]);
});
