import { garbage } from '@adtally/pipeline/testing';
import { PROCESS_METRICS } from '@adtally/telemetry';
import { declaredNames, presetNames, toldNames } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

test('its /metrics holds what it measures itself, and nothing else', async () => {
  const the = await stage();
  await the.ingest.take([garbage('one'), garbage('two')]);
  const process = await the.start().running();
  await process.untilMetric('adtally_retries_total', (tries) => tries > 0);
  const own = { ...METRICS, ...PROCESS_METRICS };
  const told = toldNames(await (await process.get('/metrics')).text());
  expect(told).toEqual(expect.arrayContaining(presetNames(own)));
  expect(declaredNames(own)).toEqual(expect.arrayContaining(told));
});
