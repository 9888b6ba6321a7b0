import { garbage } from '@adtally/pipeline/testing';
import { SYSTEM_METRICS } from '@adtally/system-metrics';
import { PROCESS_METRICS } from '@adtally/telemetry';
import { compareTold } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

const OWN = { ...METRICS, ...PROCESS_METRICS };

test('its /metrics holds what it measures itself, and on the leader the shared set', async () => {
  const the = await stage();
  await the.ingest.take([garbage('one'), garbage('two')]);
  const process = await the.start().running();
  await process.untilMetric('adtally_retries_total', (tries) => tries > 0);
  await process.untilMetric('adtally_letters', (letters) => letters > 0);
  const text = await (await process.get('/metrics')).text();
  expect(compareTold(text, { ...OWN, ...SYSTEM_METRICS })).toEqual({ undeclared: [], missing: [] });
  expect(compareTold(text, OWN).undeclared).toContain('adtally_letters');
});
