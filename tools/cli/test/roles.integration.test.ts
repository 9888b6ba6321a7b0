import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { migrate, openDatabase, rolesScriptFor, type Database } from '@adtally/db';
import { expireLetterRecords } from '@adtally/letters';
import {
  hasPostgresServer,
  kafkaBrokers,
  postgresPrograms,
  produceRecords,
  ServiceProcess,
  testPostgres,
  testTopic,
  uniqueName,
  waitFor,
} from '@adtally/testkit';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';

// Every app does its whole work under a role of its own, made by the script, on a server where none is a superuser.

const APPS = resolve(import.meta.dirname, '../../../apps');
const HOUR_MS = 3_600_000;
const PARTITIONS = 2;

function idAt(ms: number, n: number): string {
  const time = ms.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, '0')}`;
}

function impression(bornMs: number, n: number, campaign = 'c-1'): Buffer {
  return Buffer.from(
    JSON.stringify({
      schema_version: 1,
      event_type: 'impression',
      impression_id: idAt(bornMs, n),
      occurred_at: new Date(bornMs).toISOString(),
      campaign_id: campaign,
      creative_id: 'cr-1',
      placement_id: 'p-1',
      price_micros: 1_000_000,
      currency: 'EUR',
    }),
  );
}

async function stage() {
  const server = await testPostgres();
  const [events, dlq, dead] = await Promise.all([
    testTopic({ partitions: PARTITIONS }),
    testTopic({ partitions: PARTITIONS }),
    testTopic({ partitions: 1 }),
  ]);
  const as = (role: string) =>
    server.url.replace('user=adtally', `user=${role}`).replace('///postgres', '///counted');
  const admin = openDatabase(server.url, { applicationName: 'test', maxConnections: 1 });
  await sql`CREATE ROLE tally_owner LOGIN`.execute(admin);
  await sql`CREATE DATABASE counted OWNER tally_owner`.execute(admin);
  await migrate(as('tally_owner'));
  const script = await rolesScriptFor(as('tally_owner'));
  const psql = join(postgresPrograms() ?? '', 'psql');
  execFileSync(psql, ['-X', '-q', '-d', server.url], { input: script, stdio: 'pipe' });
  await migrate(as('tally_owner'));
  const db = openDatabase(as('tally_owner'), { applicationName: 'test', maxConnections: 2 });
  const env = {
    KAFKA_BROKERS: await kafkaBrokers(),
    EVENTS_TOPIC: events.name,
    DLQ_TOPIC: dlq.name,
    DEAD_TOPIC: dead.name,
    CONSUMER_GROUP: uniqueName('adtally_roles_group'),
    REPROCESSOR_GROUP: uniqueName('adtally_roles_group'),
    ADMIN_PORT: '0',
    TOPIC_MIN_PARTITIONS: '1',
    MAX_ATTEMPTS: '1',
    RETRY_INTERVAL_MS: '200ms',
    RETRY_BACKOFF_FIRST_MS: '100ms',
    DEAD_RATE_THRESHOLD: '1',
    ROLLUP_SETTLE_MS: '0',
    ROLLUP_TURN_MS: '200ms',
    TOPIC_CHECK_MS: '500ms',
  };
  const running: ServiceProcess[] = [];
  const start = (app: string, role: string, ...argv: string[]) => {
    const main = join(APPS, app, 'src/main.ts');
    const service = new ServiceProcess(main, { ...env, DATABASE_URL: as(role) }, { argv });
    running.push(service);
    return service;
  };
  onTestFinished(async () => {
    await Promise.all(running.map((service) => service.kill()));
    await Promise.all([db.destroy(), admin.destroy()]);
    await Promise.all([events, dlq, dead].map((topic) => topic.delete()));
    await server.close();
  });
  return { db, as, start, running, topic: events.name };
}

async function number(db: Database, text: string): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT (${sql.raw(text)})::int AS n`.execute(db);
  return rows[0]?.n ?? 0;
}

test.skipIf(!hasPostgresServer())(
  'each app does all of its work under its own role',
  { timeout: 120_000 },
  async () => {
    const { db, as, start, running, topic } = await stage();
    const until = (what: string, text: string, wanted: number) =>
      waitFor(async () => (await number(db, text)) >= wanted, { what, timeoutMs: 40_000 });
    const bornMs = Date.now() - HOUR_MS;
    const send = (...values: Buffer[]) =>
      produceRecords(
        topic,
        values.map((value, n) => ({ partition: n % PARTITIONS, value, key: Buffer.from('any') })),
      );

    const ingest = start('ingest-consumer', 'adtally_ingest');
    start('dlq-reprocessor', 'adtally_reprocessor');
    start('dead-queue-alerter', 'adtally_alerter');
    start('backfill-runner', 'adtally_backfill', '--watch');
    const garbage = [1, 2, 3].map((n) => Buffer.from(`garbage ${n}`));
    // A duplicate, a conflict, and records that nobody can read.
    await send(
      impression(bornMs, 1),
      impression(bornMs, 2),
      impression(bornMs, 1),
      impression(bornMs, 2, 'c-2'),
      ...garbage,
    );
    await until('all counted', 'SELECT sum(consumed) FROM ledger', 7);
    await until('letters given up', `SELECT count(*) FROM dead_letters WHERE state = 'dead'`, 3);
    await until('an incident', 'SELECT count(*) FROM incidents', 1);
    await until('rollups', 'SELECT sum(impressions) FROM rollup_by_campaign', 2);
    await send(impression(bornMs, 3));
    await until(
      'a late event in the rollups',
      'SELECT sum(impressions) FROM rollup_by_campaign',
      3,
    );
    await until('the lag of every partition', 'SELECT count(*) FROM partition_lag', PARTITIONS);
    await until('the audit of the leader', 'SELECT count(*) FROM audit_results', 1);
    expect((await ingest.get('/audit')).status).toBe(200);

    // What the reprocessor does once a minute only.
    const reprocessor = openDatabase(as('adtally_reprocessor'), { applicationName: 'test' });
    onTestFinished(() => reprocessor.destroy());
    expect(await expireLetterRecords(reprocessor, 30)).toBe(0);

    const [first, second] = await db
      .selectFrom('dead_letters')
      .select('letter_id')
      .orderBy('letter_id')
      .execute();
    const [one, two] = [String(first?.letter_id), String(second?.letter_id)];
    const why = ['--execute', '--reason', 'test', '--actor', 'me'];
    const commands: readonly (readonly [app: string, role: string, ...argv: string[]])[] = [
      ['ops', 'adtally_ops', 'lag'],
      ['ops', 'adtally_ops', 'sources'],
      ['ops', 'adtally_ops', 'audit'],
      ['ops', 'adtally_ops', 'dead-letters', 'stats'],
      ['ops', 'adtally_ops', 'dead-letters', 'show', one, '--reveal', '--reason', 'test'],
      ['ops', 'adtally_ops', 'redrive', '--id', one, ...why],
      ['ops', 'adtally_ops', 'discard', '--id', two, ...why],
      ['ops', 'adtally_ops', 'restore', '--id', two, ...why],
      ['ops', 'adtally_ops', 'incidents', 'ack', '1', '--reason', 'test'],
      ['ops', 'adtally_ops', 'topics', 'set', topic, '--value-format', 'auto', '--reason', 'test'],
      ['backfill-runner', 'adtally_backfill', 'run', ...why],
      ['backfill-runner', 'adtally_backfill', 'replay', ...why],
      ['backfill-runner', 'adtally_backfill', 'status'],
    ];
    for (const [app, role, ...argv] of commands) {
      const { code, stdout, stderr } = await start(app, role, ...argv).ended;
      expect(stderr).not.toContain('could not be written down');
      expect([argv, code, code === 0 ? '' : stdout + stderr]).toEqual([argv, 0, '']);
    }
    const said = running.flatMap(({ entries }) => entries.map((entry) => JSON.stringify(entry)));
    expect(said.filter((line) => /42501|permission denied|must be owner/.test(line))).toEqual([]);
    // Ingest claims anew after the rules of its topic changed.
    await send(impression(bornMs, 4));
    await until('counted under the new rules', 'SELECT count(*) FROM events', 4);
    // A halt whose loss is accepted by closing the source, which makes another.
    await ingest.kill();
    await sql`UPDATE cursors SET halted_code = 'log_shrunk', halted_resume_at = 0, halted_at = now()
      WHERE source_id = (SELECT min(source_id) FROM sources WHERE kind = 'events')`.execute(db);
    const halted = await number(db, 'SELECT source_id FROM cursors WHERE halted_code IS NOT NULL');
    const accept = ['accept-loss', '--source', String(halted)];
    for (const how of [[], why]) {
      const { code, stderr } = await start('ops', 'adtally_ops', ...accept, ...how).ended;
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    }
    await until(
      'a successor',
      `SELECT count(*) FROM sources WHERE run = 'after source ${halted}'`,
      1,
    );
  },
);
