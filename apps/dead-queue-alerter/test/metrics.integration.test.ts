import { SYSTEM_METRICS } from '@adtally/system-metrics';
import { PROCESS_METRICS } from '@adtally/telemetry';
import { compareTold } from '@adtally/telemetry/testing';
import { expect, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

const OWN = { ...METRICS, ...PROCESS_METRICS };
const AS_DECLARED = { undeclared: [], missing: [] };
/** Of the shared set: what the outbox of an incident comes to. */
const WAITING = 'adtally_outbox_oldest_waiting_seconds';

test('its /metrics holds what it measures itself, and the shared set outlives the leader', async (context) => {
  const the = await stage(context);
  const leader = await the.start().active();
  const text = async (alerter = leader) => await (await alerter.get('/metrics')).text();
  await leader.until('the shared set', async () =>
    (await text()).includes('\nadtally_incidents_open 0'),
  );
  const other = await the.start().standby();
  await the.die(6);
  await the.untilEvaluated(6, leader);
  await leader.until('a sink in the figures', async () => (await text()).includes(`\n${WAITING}{`));
  expect(compareTold(await text(), { ...OWN, ...SYSTEM_METRICS })).toEqual(AS_DECLARED);
  expect(compareTold(await text(other), OWN)).toEqual(AS_DECLARED);

  await leader.kill();
  await other.until('the shared set', async () => (await text(other)).includes(`\n${WAITING}{`));
  expect(compareTold(await text(other), { ...OWN, ...SYSTEM_METRICS })).toEqual(AS_DECLARED);
});
