import { PROCESS_METRICS } from '@adtally/telemetry';
import { declaredNames, presetNames, toldNames } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

test('its /metrics holds what it measures itself, and nothing else', async () => {
  const the = await stage(600, { ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '50ms' });
  const keeper = the.start('--watch');
  await keeper.until('a turn of the rollups', async () => (await keeper.get('/readyz')).ok);
  const own = { ...METRICS, ...PROCESS_METRICS };
  const told = toldNames(await (await keeper.get('/metrics')).text());
  expect(told).toEqual(expect.arrayContaining(presetNames(own)));
  expect(declaredNames(own)).toEqual(expect.arrayContaining(told));
});
