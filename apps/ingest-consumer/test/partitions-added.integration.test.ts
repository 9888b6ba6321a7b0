import { growTopic } from '@adtally/testkit';
import { expect, test } from 'vitest';
import { stage } from './support/stage.ts';
import { expectExact } from './support/truth.ts';

const EVENTS = 5_000;

test('I5: partitions added under a reading consumer are read from 0; copies that moved are stored once', async () => {
  const the = await stage({ partitions: 2 });
  const consumer = the.start();
  const seed = 77;
  const before = await the.simulate(EVENTS, { seed });
  await the.untilConsumed(before.acked, consumer);
  await growTopic(the.topic, 5);
  const after = await the.simulate(EVENTS);
  const next = the.startElsewhere();
  await next.owns(5);
  await the.untilConsumed(before.acked + after.acked, next);
  const { sources } = await expectExact(the, before, after);
  expect(sources.map(({ genesis }) => genesis)).toEqual([0, 0, 0, 0, 0]);
});
