import { setTimeout as sleep } from 'node:timers/promises';
import { ensureDayPartitions, openDatabase, recordAudit } from '@adtally/db';
import { migrated } from '@adtally/db/testing';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { toldNames } from '@adtally/telemetry/testing';
import { proxyFor, stressStartStop, testDatabase, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { SYSTEM_METRICS, SystemMetricsExporter } from '../src/index.ts';

const DAY_MS = 86_400_000;
const FAST = { everyMs: 50, staleAfterMs: 1_000, silentMaxMs: 2_000 };
const APPLICATION = 'adtally-system-metrics';
/** Told of a database in which nothing has happened yet. */
const OF_AN_EMPTY_DATABASE = [
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
];
const SHARED = new Set<string>(Object.values(SYSTEM_METRICS).map(({ name }) => name));
const logger = createLogger({ service: 'test', level: 'silent' });

async function freshDatabase() {
  const database = await testDatabase(migrated);
  const db = openDatabase(database.url, { applicationName: 'test' });
  onTestFinished(async () => {
    await db.destroy();
    await database.drop();
  });
  return { url: database.url, db };
}

/** A process that takes part, as far as this set is concerned; null is the pace of every service. */
function participant(databaseUrl: string, pace: typeof FAST | null = FAST) {
  const metrics = createMetrics({ service: 'test', version: '0', definitions: SYSTEM_METRICS });
  const exporter = new SystemMetricsExporter(
    { config: { databaseUrl }, metrics, log: logger },
    pace ?? undefined,
  );
  onTestFinished(async () => {
    await exporter.stop();
    await metrics.shutdown();
  });
  const told = async () => toldNames(await metrics.render()).filter((name) => SHARED.has(name));
  const figure = async (series: string) => {
    const lines = (await metrics.render()).split('\n');
    const line = lines.find((one) => one.startsWith(`${series} `));
    return line === undefined ? null : Number(line.split(' ')[1]);
  };
  // Read last of all: then the others are told too.
  const leads = async () => (await told()).includes('adtally_incidents_open');
  const untilLeads = async () => await waitFor(leads, { what: 'a leader' });
  return { start: () => exporter.start(), stop: () => exporter.stop(), told, figure, untilLeads };
}

/** Waits until the next one leads. @returns how often it and the one before told figures at a time */
async function bothTellBefore(
  next: ReturnType<typeof participant>,
  before: ReturnType<typeof participant>,
): Promise<number> {
  let times = 0;
  await waitFor(
    async () => {
      const [old, now] = [await before.told(), await next.told()];
      if (old.length > 0 && now.length > 0) times += 1;
      return now.length > 0;
    },
    { what: 'another leader' },
  );
  return times;
}

test('one of several tells the set, and the next one when it ends', async () => {
  const { url } = await freshDatabase();
  const [first, second, third] = [participant(url), participant(url), participant(url)];
  await first.start();
  await first.untilLeads();
  await Promise.all([second.start(), third.start()]);
  await sleep(5 * FAST.everyMs);
  expect(await first.told()).toEqual(OF_AN_EMPTY_DATABASE);
  expect([await second.told(), await third.told()]).toEqual([[], []]);

  await first.stop();
  expect(await first.told()).toEqual([]);
  const others = async () => [...(await second.told()), ...(await third.told())];
  await waitFor(async () => (await others()).includes('adtally_incidents_open'), {
    what: 'another leader',
  });
  expect((await others()).toSorted()).toEqual(OF_AN_EMPTY_DATABASE);
});

test('a leader whose session the server ends is silent at once, long before its next look', async () => {
  const { url, db } = await freshDatabase();
  const first = participant(url, { everyMs: 60_000, staleAfterMs: 120_000, silentMaxMs: 180_000 });
  const second = participant(url);
  await first.start();
  await first.untilLeads();
  await second.start();
  await sql`SELECT pg_terminate_backend(pid) FROM pg_locks
            WHERE locktype = 'advisory' AND (classid, objid) = (4701, 7) AND granted
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(
    db,
  );
  expect(await bothTellBefore(second, first)).toBe(0);
  expect(await first.told()).toEqual([]);
});

test('cut off from the database it goes silent before another one tells', async () => {
  const { url } = await freshDatabase();
  const proxy = await proxyFor(url);
  onTestFinished(() => proxy.close());
  const first = participant(proxy.urlFor(url));
  const second = participant(url);
  await first.start();
  await first.untilLeads();
  await second.start();
  proxy.blackhole(true);
  expect(await bothTellBefore(second, first)).toBe(0);
  expect(await first.told()).toEqual([]);
});

test('what cannot be read is absent, and the rest is told', async () => {
  const { url, db } = await freshDatabase();
  await sql`ALTER TABLE late_notes RENAME TO late_notes_away`.execute(db);
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  const ofRollups = OF_AN_EMPTY_DATABASE.filter((name) => name.startsWith('adtally_rollup_'));
  expect(await the.told()).toEqual(
    OF_AN_EMPTY_DATABASE.filter((name) => !ofRollups.includes(name)),
  );
  await sql`ALTER TABLE late_notes_away RENAME TO late_notes`.execute(db);
  const all = async () => (await the.told()).length === OF_AN_EMPTY_DATABASE.length;
  await waitFor(all, { what: 'all figures' });
  await sql`ALTER TABLE incidents RENAME TO incidents_away`.execute(db);
  const fewer = async () => !(await the.told()).includes('adtally_incidents_open');
  await waitFor(fewer, { what: 'no figure of incidents' });
  expect(await the.told()).toContain('adtally_rollup_waiting_notes');
});

test('it tells letters by state, 0 where there are none', async () => {
  const { url, db } = await freshDatabase();
  await sql`INSERT INTO dead_letters (source_offset, record_sha256, state, code, last_code, fingerprint, lane)
            SELECT n, sha256(n::text::bytea), CASE WHEN n < 3 THEN 'orphan' ELSE 'dead' END, 'c', 'c', 'f', 0
            FROM generate_series(0, 9) n`.execute(db);
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  expect(await the.figure('adtally_letters{state="orphan"}')).toBe(3);
  expect(await the.figure('adtally_letters{state="dead"}')).toBe(7);
  await sql`UPDATE dead_letters SET state = 'dead'`.execute(db);
  const counted = async () => (await the.figure('adtally_letters{state="dead"}')) === 10;
  await waitFor(counted, { what: 'ten dead letters' });
  expect(await the.figure('adtally_letters{state="orphan"}')).toBe(0);
});

test('it tells how fresh the rollups are', async () => {
  const { url, db } = await freshDatabase();
  await sql`UPDATE write_guards SET frontier_ms = 1700000010000`.execute(db);
  await sql`INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids, noted_at)
            VALUES ('{1}', '{0}', '{1}', 1, ARRAY[gen_random_uuid()], clock_timestamp() - interval '1 hour'),
                   ('{1}', '{1}', '{2}', 1, ARRAY[gen_random_uuid()], clock_timestamp())`.execute(
    db,
  );
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  expect(await the.figure('adtally_rollup_frontier_timestamp_seconds')).toBe(1_700_000_010);
  expect(await the.figure('adtally_rollup_waiting_notes')).toBe(2);
  const oldestSeconds = await the.figure('adtally_rollup_oldest_note_seconds');
  expect(oldestSeconds).toBeGreaterThanOrEqual(3_600);
  expect(oldestSeconds).toBeLessThan(3_700);
});

test('it tells what waits for every sink that was told lately, 0 where nothing does', async () => {
  const { url, db } = await freshDatabase();
  await sql`WITH incident AS (
              INSERT INTO incidents (alert, alert_key, status, starts_at, summary)
              VALUES ('A', 'k', 'firing', now(), 's') RETURNING incident_id)
            INSERT INTO notifications (incident_id, revision, sink, kind, message, state, settled_at, created_at)
            SELECT incident_id, 1, sink, 'firing', '{}', state, settled_at, now() - interval '10 minutes'
            FROM incident, (VALUES ('slack', 'waiting', NULL), ('webhook', 'sent', now()))
                           v (sink, state, settled_at)`.execute(db);
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  expect(await the.figure('adtally_incidents_open')).toBe(1);
  expect(await the.figure('adtally_outbox_waiting{sink="slack"}')).toBe(1);
  expect(await the.figure('adtally_outbox_waiting{sink="webhook"}')).toBe(0);
  expect(await the.figure('adtally_outbox_oldest_waiting_seconds{sink="slack"}')).toBeGreaterThan(
    599,
  );
  expect(await the.figure('adtally_outbox_oldest_waiting_seconds{sink="webhook"}')).toBe(0);
  expect(await the.figure('adtally_outbox_waiting{sink="pagerduty"}')).toBeNull();
});

test('what a sink does not take is seen within seconds, at the pace of every service', async () => {
  const { url, db } = await freshDatabase();
  const the = participant(url, null);
  await the.start();
  await the.untilLeads();
  await sql`WITH incident AS (
              INSERT INTO incidents (alert, alert_key, status, starts_at, summary)
              VALUES ('A', 'k', 'firing', now(), 's') RETURNING incident_id)
            INSERT INTO notifications (incident_id, revision, sink, kind, message)
            SELECT incident_id, 1, 'webhook', 'firing', '{}' FROM incident`.execute(db);
  const seen = async () => await the.figure('adtally_outbox_waiting{sink="webhook"}');
  await expect.poll(seen, { timeout: 10_000 }).toBe(1);
});

test('with the database away it starts, and tells once it is there', async () => {
  const { url } = await freshDatabase();
  const proxy = await proxyFor(url);
  onTestFinished(() => proxy.close());
  proxy.refuse(true);
  const the = participant(proxy.urlFor(url));
  await the.start();
  await sleep(5 * FAST.everyMs);
  expect(await the.told()).toEqual([]);
  proxy.refuse(false);
  await the.untilLeads();
});

test('it stops whenever it is told to, also in the middle of a silent server', async () => {
  const { url, db } = await freshDatabase();
  await stressStartStop(() => participant(url));
  const proxy = await proxyFor(url);
  onTestFinished(() => proxy.close());
  const the = participant(proxy.urlFor(url));
  await the.start();
  await the.untilLeads();
  proxy.blackhole(true);
  await sleep(2 * FAST.everyMs);
  const startedMs = performance.now();
  await the.stop();
  expect(performance.now() - startedMs).toBeLessThan(5_000);
  proxy.blackhole(false);
  const sessions = async () => {
    const { rows } = await sql`SELECT pid FROM pg_stat_activity
      WHERE application_name = ${APPLICATION} AND datname = current_database()`.execute(db);
    return rows.length === 0;
  };
  await waitFor(sessions, { what: 'no session left' });
});

test('what the audit last said is told by scope; the leader asks for what was counted lately', async () => {
  const { url, db } = await freshDatabase();
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  expect(await the.figure('adtally_audit_failed_checks{scope="recent"}')).toBe(0);
  expect(await the.figure('adtally_audit_failed_checks{scope="full"}')).toBeNull();
  const offence = { source: null, detail: 'wrong', firstOffset: null, endOffset: null };
  const check = { id: 'I4', name: 'rows', ok: false, offending: [offence], more: false };
  await recordAudit(db, 'full', [check], 'test');
  const failed = async () => (await the.figure('adtally_audit_failed_checks{scope="full"}')) === 1;
  await waitFor(failed, { what: 'the failed check to be told' });
  // Once a minute whoever leads: a second look asks nothing.
  const { rows } = await sql<{
    fresh: boolean;
  }>`SELECT bool_and(checked_at < clock_timestamp()) AS fresh
    FROM audit_results WHERE scope = 'recent'`.execute(db);
  expect(rows).toEqual([{ fresh: true }]);
  await sql`UPDATE audit_results SET checked_at = checked_at - interval '2 minutes'
    WHERE scope = 'recent'`.execute(db);
  const again = async () =>
    Date.now() / 1_000 -
      ((await the.figure('adtally_audit_timestamp_seconds{scope="recent"}')) ?? 0) <
    60;
  await waitFor(again, { what: 'the next audit of what was counted lately' });
});

test('days that are to have a partition and have none are counted', async () => {
  const { url, db } = await freshDatabase();
  const now = Date.now();
  await ensureDayPartitions(db, { now });
  const label = new Date(now + DAY_MS).toISOString().slice(0, 10).replaceAll('-', '');
  await sql`DROP TABLE ${sql.table(`events_${label}`)}`.execute(db);
  const the = participant(url);
  await the.start();
  await the.untilLeads();
  expect(await the.figure('adtally_event_days_blocked')).toBe(1);
});
