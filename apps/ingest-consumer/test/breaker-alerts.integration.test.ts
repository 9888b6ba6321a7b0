import { openDatabase, type Database } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { createLogger } from '@adtally/telemetry';
import { proxyFor, testDatabase, waitFor, type TcpProxy } from '@adtally/testkit';
import { expect, onTestFinished, test } from 'vitest';
import { BREAKER_ALERT, BreakerAlerts } from '../src/breaker/breaker-alerts.ts';
import { type BreakerChange } from '../src/breaker/rejection-breaker.ts';

const OPENED: BreakerChange = {
  to: 'open',
  cause: 'share',
  figures: { records: 20, rejected: 15, share: 0.75, codes: { empty: 9, oversize: 6 } },
};
const CLOSED: BreakerChange = {
  to: 'closed',
  cause: 'share',
  figures: { records: 50, rejected: 0, share: 0, codes: {} },
};

async function setUp(): Promise<{ alerts: BreakerAlerts; direct: Database; proxy: TcpProxy }> {
  const database = await testDatabase(migrated);
  const proxy = await proxyFor(database.url);
  const options = { applicationName: 'adtally-test' };
  const direct = openDatabase(database.url, options);
  const proxied = openDatabase(proxy.urlFor(database.url), options);
  const log = createLogger({ service: 'test', level: 'silent' });
  const breaker = { windowRecords: 20, rejectedShare: 0.5, recordsPerSecond: 50 };
  const alerts = new BreakerAlerts(proxied, log, { topic: 't', owner: 'a test', breaker });
  onTestFinished(async () => {
    await alerts.stop();
    await proxy.close();
    await Promise.all([direct.destroy(), proxied.destroy()]);
    await database.drop();
  });
  return { alerts, direct, proxy };
}

function requests(db: Database) {
  return db.selectFrom('notification_requests').selectAll().orderBy('request_id').execute();
}

test('a request outlasts a database that is away for a moment, and keeps its place before the next', async () => {
  const { alerts, direct, proxy } = await setUp();
  proxy.refuse(true);
  const causes = ['empty, 9 events, source edge-3', 'oversize, 6 events, source unknown'];
  alerts.report(3, OPENED, () => true, causes);
  alerts.report(3, CLOSED, () => true);
  alerts.report(4, OPENED, () => false);
  proxy.refuse(false);
  const rows = await waitFor(
    async () => {
      const found = await requests(direct);
      return found.length === 2 && found;
    },
    { what: 'two requests' },
  );
  const of = { alert: BREAKER_ALERT, alert_key: 't/3', requested_by: 'a test' };
  expect(rows).toMatchObject([
    {
      ...of,
      status: 'firing',
      summary:
        't/3: too many rejections, 15 of the last 20 records rejected (75 %; empty 9, oversize 6); read at 50 records/s at most',
      detail: {
        topic: 't',
        partition: 3,
        cause: 'share',
        share: 0.75,
        codes: { empty: 9, oversize: 6 },
        causes,
        rejected_share_max: 0.5,
        records_per_second: 50,
      },
    },
    { ...of, status: 'resolved' },
  ]);
});

test('a firing request of a former owner is found, until its end is asked for', async () => {
  const { alerts, direct } = await setUp();
  alerts.report(3, OPENED, () => true);
  alerts.lookForLeftFiring(3, () => true);
  alerts.lookForLeftFiring(4, () => true);
  await waitFor(() => alerts.leftFiring.size > 0, { what: 'the firing request' });
  expect([...alerts.leftFiring]).toEqual([3]);
  alerts.report(3, 'late_end', () => true);
  expect(alerts.leftFiring.size).toBe(0);
  await waitFor(async () => (await requests(direct)).length === 2, { what: 'two requests' });
  alerts.lookForLeftFiring(3, () => true);
  await alerts.stop();
  expect(alerts.leftFiring.size).toBe(0);
});

test('a drain does not wait for a database that is away', async () => {
  const { alerts, direct, proxy } = await setUp();
  proxy.refuse(true);
  alerts.report(3, OPENED, () => true);
  const startedMs = performance.now();
  await alerts.stop();
  expect(performance.now() - startedMs).toBeLessThan(4_000);
  expect(await requests(direct)).toEqual([]);
});
