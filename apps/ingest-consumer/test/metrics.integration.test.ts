import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SYSTEM_METRICS } from '@adtally/system-metrics';
import { PROCESS_METRICS } from '@adtally/telemetry';
import { compareTold } from '@adtally/telemetry/testing';
import { selfSigned } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { METRICS } from '../src/metrics.ts';
import { stage } from './support/stage.ts';

const OWN = { ...METRICS, ...PROCESS_METRICS };
const OF_THE_LAG = /^adtally_(consumer_lag_|topic_groups|partition_stuck)/;
const AS_DECLARED = { undeclared: [], missing: [] };

test('its /metrics holds what it measures itself, and on the leader the shared set', async () => {
  const the = await stage();
  const truth = await the.simulate(400);
  const folder = mkdtempSync(join(tmpdir(), 'adtally-metrics-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const extra = join(folder, 'extra.pem');
  writeFileSync(extra, selfSigned().cert);
  const leader = await the.start({ NODE_EXTRA_CA_CERTS: extra }).running();
  const text = async (consumer = leader) => await (await consumer.get('/metrics')).text();
  await leader.until('the shared set', async () =>
    (await text()).includes('\nadtally_incidents_open 0'),
  );
  const other = await the.start().running();
  await other.until('a session that does not lead', async () => {
    const { rows } = await sql`SELECT FROM pg_stat_activity WHERE datname = current_database()
      AND application_name = 'adtally-system-metrics' AND query LIKE '%pg_try_advisory_lock%'`.execute(
      the.db,
    );
    return rows.length === 1;
  });
  await the.untilConsumed(truth.acked, leader);

  expect(compareTold(await text(other), OWN)).toEqual(AS_DECLARED);
  expect(compareTold(await text(), { ...OWN, ...SYSTEM_METRICS })).toEqual(AS_DECLARED);
  // The lag has a leader of its own and comes when brokers have answered.
  const { undeclared } = compareTold(await text(), OWN);
  expect(undeclared.filter((name) => !OF_THE_LAG.test(name))).toEqual([
    'adtally_audit_failed_checks',
    'adtally_audit_timestamp_seconds',
    'adtally_event_days_blocked',
    'adtally_incidents_open',
    'adtally_letters',
    'adtally_lost_offsets',
    'adtally_replay_offsets_left',
    'adtally_retention_days_waiting',
    'adtally_retention_horizon_timestamp_seconds',
    'adtally_retention_oldest_wait_seconds',
    'adtally_rollup_frontier_timestamp_seconds',
    'adtally_rollup_oldest_note_seconds',
    'adtally_rollup_waiting_bases',
    'adtally_rollup_waiting_notes',
    'adtally_service_heartbeat_timestamp_seconds',
    'adtally_service_processes',
  ]);
  await leader.until('the end of a certificate', async () =>
    (await text()).includes(
      '\nadtally_certificate_expiry_timestamp_seconds{server="any",role="ca"}',
    ),
  );
});
