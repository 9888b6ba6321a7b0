import { PROCESS_METRICS } from '@adtally/telemetry';
import { declaredNames, presetNames, toldNames } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

test('its /metrics holds what it measures itself, and nothing else', async (context) => {
  const the = await stage(context);
  const alerter = await the.start().active();
  await the.die(5);
  await the.untilEvaluated(5, alerter);
  const own = { ...METRICS, ...PROCESS_METRICS };
  const told = toldNames(await (await alerter.get('/metrics')).text());
  expect(told).toEqual(expect.arrayContaining(presetNames(own)));
  expect(declaredNames(own)).toEqual(expect.arrayContaining(told));
});
