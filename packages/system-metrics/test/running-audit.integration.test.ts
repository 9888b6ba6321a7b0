import { auditResults, openDatabase, registerTopic, type Database } from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { createLogger, createMetrics } from '@adtally/telemetry';
import { waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { SYSTEM_METRICS, SystemMetricsExporter } from '../src/index.ts';
import { RunningAudit } from '../src/running-audit.ts';

const log = createLogger({ service: 'test', level: 'silent' });

async function freshDatabase() {
  const database = await migratedDatabase();
  onTestFinished(() => database[Symbol.asyncDispose]());
  const { db, url } = database;
  const [source] = await registerTopic(db, {
    kind: 'events',
    topic: 'ad-events',
    topicId: 'id',
    partitions: 1,
    genesis: () => 0n,
  });
  return { db, url, sourceId: source?.sourceId ?? 0 };
}

/** A ledger row of so long ago that counts an event which is not there. */
async function countMissing(db: Database, sourceId: number, ago: string): Promise<void> {
  await sql`INSERT INTO ledger (source_id, first_offset, end_offset, epoch, consumed, stored, committed_at)
    SELECT ${sourceId}, next_offset, next_offset + 1, 0, 1, 1, now() - ${ago}::interval FROM cursors`.execute(
    db,
  );
  await sql`UPDATE cursors SET next_offset = next_offset + 1`.execute(db);
}

async function ofDays(db: Database) {
  const results = (await auditResults(db)).filter(({ scope }) => scope === 'days');
  return results.filter(({ offence }) => offence !== null).map(({ checkId }) => checkId);
}

async function audited(db: Database): Promise<boolean> {
  return (await auditResults(db)).some(({ scope }) => scope === 'days');
}

/** Runs until the test ends. */
function start(databaseUrl: string, pace: { everyMs: number; timeoutMs: number }): void {
  const stopping = new AbortController();
  const running = new RunningAudit({ databaseUrl, log }, pace).run(stopping.signal);
  onTestFinished(async () => {
    stopping.abort();
    await running;
  });
}

test('the leader audits yesterday and today, events too, and tells what came of it', async () => {
  const { db, url, sourceId } = await freshDatabase();
  // Before yesterday is the whole audit's.
  await countMissing(db, sourceId, '3 days');
  await countMissing(db, sourceId, '1 minute');
  const metrics = createMetrics({ service: 'test', version: '0', definitions: SYSTEM_METRICS });
  const exporter = new SystemMetricsExporter(
    { config: { databaseUrl: url }, metrics, log },
    { everyMs: 50, staleAfterMs: 1_000, silentMaxMs: 2_000 },
  );
  onTestFinished(() => exporter.stop());
  await exporter.start();
  const told = async () => await metrics.render();
  const isTold = async () => /^adtally_audit_failed_checks\{scope="days"\} 1$/m.test(await told());
  await waitFor(isTold, { what: 'the failed check of these days' });
  expect(await ofDays(db)).toEqual(['I4']);
  expect(await told()).toMatch(/^adtally_audit_failed_checks\{scope="recent"\} 0$/m);
});

test('it asks again when it is time, and finds what was mended', async () => {
  const { db, url, sourceId } = await freshDatabase();
  await countMissing(db, sourceId, '1 minute');
  start(url, { everyMs: 200, timeoutMs: 10_000 });
  await waitFor(async () => (await ofDays(db)).length === 1, { what: 'a check that fails' });
  await sql`UPDATE ledger SET stored = 0, duplicate = 1 WHERE consumed = 1`.execute(db);
  await waitFor(async () => (await ofDays(db)).length === 0, { what: 'all checks to hold' });
  expect((await auditResults(db)).map(({ checkedBy }) => checkedBy)).toContain('the leader');
});

test('a check that takes too long is not known, and is tried again', async () => {
  const { db, url } = await freshDatabase();
  const blocker = openDatabase(url, { applicationName: 'test', maxConnections: 1 });
  onTestFinished(() => blocker.destroy());
  await blocker.connection().execute(async (session) => {
    await sql`BEGIN`.execute(session);
    await sql`LOCK TABLE ledger`.execute(session);
    start(url, { everyMs: 200, timeoutMs: 100 });
    await waitFor(
      async () => {
        const { rows } = await sql`SELECT FROM pg_locks WHERE NOT granted
          AND relation = 'ledger'::regclass`.execute(db);
        return rows.length > 0;
      },
      { what: 'the audit to wait' },
    );
    expect(await audited(db)).toBe(false);
    await sql`ROLLBACK`.execute(session);
  });
  await waitFor(() => audited(db), { what: 'an audit' });
});

test('whoever leads next does not ask again before it is time', async () => {
  const { db, url } = await freshDatabase();
  start(url, { everyMs: 60_000, timeoutMs: 10_000 });
  await waitFor(() => audited(db), { what: 'an audit' });
  const before = (await auditResults(db)).map(({ checkedAt }) => checkedAt);
  start(url, { everyMs: 60_000, timeoutMs: 10_000 });
  await waitFor(
    async () => {
      const { rows } = await sql`SELECT FROM pg_stat_activity WHERE state = 'idle'
        AND datname = current_database() AND application_name = 'adtally-running-audit'`.execute(
        db,
      );
      return rows.length === 2;
    },
    { what: 'another one that has looked' },
  );
  expect((await auditResults(db)).map(({ checkedAt }) => checkedAt)).toEqual(before);
});
