import { PROCESS_METRICS } from '@adtally/telemetry';
import { declaredNames, presetNames, toldNames } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

test('its /metrics holds what it measures itself, and nothing else', async () => {
  const the = await stage();
  const truth = await the.simulate(400);
  const consumer = await the.start().running();
  await the.untilConsumed(truth.acked, consumer);
  const own = { ...METRICS, ...PROCESS_METRICS };
  const told = toldNames(await (await consumer.get('/metrics')).text());
  expect(told).toEqual(expect.arrayContaining(presetNames(own)));
  expect(declaredNames(own)).toEqual(expect.arrayContaining(told));
});
