import { SYSTEM_METRICS } from '@adtally/system-metrics';
import { PROCESS_METRICS } from '@adtally/telemetry';
import { compareTold } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

const OWN = { ...METRICS, ...PROCESS_METRICS };

test('its /metrics holds what it measures itself, and on the leader the shared set', async () => {
  const the = await stage(600, { ROLLUP_SETTLE_MS: '0', ROLLUP_TURN_MS: '50ms' });
  const keeper = the.start('--watch');
  await keeper.until('a turn of the rollups', async () => (await keeper.get('/readyz')).ok);
  const text = async () => await (await keeper.get('/metrics')).text();
  await keeper.until('the shared set', async () =>
    // Of the version that the keeper made since it asked first.
    (await text()).includes('\nadtally_rollup_newest_cohort_seconds '),
  );
  expect(compareTold(await text(), { ...OWN, ...SYSTEM_METRICS })).toEqual({
    undeclared: [],
    missing: [],
  });
});
