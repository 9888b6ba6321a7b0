import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import {
  hasPostgresServer,
  postgresPrograms,
  testPostgres,
  type TestPostgres,
} from '@adtally/testkit';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  claimSource,
  migrate,
  openDatabase,
  rolesScriptFor,
  ROLES,
  withDatabase,
} from '../src/index.ts';
import { OWNERS_FUNCTIONS } from '../src/roles/rights.ts';
import { ensureDayPartitions } from '../src/partitions.ts';
import { openSession } from '../testing/writer-session.ts';
import { REFUSED, RESTORE_A_DAY } from './refused-statements.ts';

// Roles made by the script, on a server where nobody but the test itself is a superuser.

const OWNER = 'tally_owner';
const CHIEF = 'chief';
const NO_RIGHT = '42501';
const isSkipped = !hasPostgresServer();

let server: TestPostgres;
/** Whom each migration gave their rights. */
const granted: (readonly string[])[] = [];

/** The address of the database as this role; the socket trusts everybody. */
const as = (role: string) =>
  server.url.replace('user=adtally', `user=${role}`).replace('///postgres', '///counted');

async function run(url: string, statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return await client
    .query(statement)
    .then(({ rows }) => rows as unknown[])
    .finally(() => client.end());
}

beforeAll(async () => {
  if (isSkipped) return;
  server = await testPostgres();
  await run(server.url, `CREATE ROLE ${OWNER} LOGIN`);
  await run(server.url, `CREATE ROLE ${CHIEF} LOGIN CREATEROLE`);
  await run(server.url, `CREATE DATABASE counted OWNER ${OWNER}`);
  // As databases are that PostgreSQL made before 15.
  await run(as('adtally'), 'GRANT CREATE ON SCHEMA public TO PUBLIC');
  granted.push((await migrate(as(OWNER))).roles);
  const script = await rolesScriptFor(as(OWNER));
  const psql = join(postgresPrograms() ?? '', 'psql');
  // Twice: it may be run again.
  for (let time = 0; time < 2; time += 1) {
    const args = ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', as(CHIEF)];
    execFileSync(psql, args, { input: script, stdio: ['pipe', 'ignore', 'inherit'] });
    granted.push((await migrate(as(OWNER))).roles);
  }
  await run(
    as(OWNER),
    `WITH source AS (INSERT INTO sources (kind, topic, topic_id, partition)
                     SELECT 'events', 'test', 'id', n FROM generate_series(0, 3) n RETURNING source_id),
          genesis AS (INSERT INTO ledger (source_id, end_offset, epoch)
                      SELECT source_id, 0, 0 FROM source RETURNING source_id)
     INSERT INTO cursors (source_id, next_offset) SELECT source_id, 0 FROM genesis`,
  );
});
afterAll(() => server?.close());

test.skipIf(isSkipped)(
  'a migration grants the roles that exist, and none where there are none',
  () => {
    const all = ROLES.map(({ name }) => name);
    expect(granted).toEqual([[], all, all]);
  },
);

test.skipIf(isSkipped)('no role of it is a superuser or may make others', async () => {
  const [row] = await run(
    server.url,
    `SELECT count(*)::int AS roles, bool_or(rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls) AS much
     FROM pg_roles WHERE rolname LIKE 'adtally\\_%' OR rolname = '${OWNER}'`,
  );
  expect(row).toEqual({ roles: ROLES.length + 1, much: false });
});

test.skipIf(isSkipped).each(ROLES.map(({ name }) => name))('what %s may not do', async (role) => {
  for (const statement of REFUSED[role] ?? []) {
    const code = await run(as(role), statement).then(
      () => 'done',
      (error: { code?: string }) => error.code,
    );
    expect([statement, code]).toEqual([statement, NO_RIGHT]);
  }
  expect(REFUSED[role]?.length).toBeGreaterThan(0);
});

test.skipIf(isSkipped)('operators accept a loss, and a topic whose log departed', async () => {
  const halt = (code: string, source: number) =>
    run(
      as(OWNER),
      `UPDATE cursors SET halted_code = '${code}', halted_detail = 'x', halted_resume_at = 5, halted_at = now()
       WHERE source_id = ${source}`,
    );
  for (const [code, source] of [
    ['truncated', 3],
    ['log_diverged', 4],
  ] as const) {
    await halt(code, source);
    expect(
      await run(as('adtally_ops'), `SELECT accept_loss(${source}, 'me', 'test')`),
    ).toHaveLength(1);
  }
});

test.skipIf(isSkipped)('an analyst reads events and reports', async () => {
  for (const table of ['events', 'report_campaign_daily', 'rollup_by_creative']) {
    expect(await run(as('adtally_analyst'), `SELECT * FROM ${table}`)).toEqual([]);
  }
});

test.skipIf(isSkipped)('operators restore a day; who reads events reads it', async () => {
  const rows = 'SELECT source_offset FROM restored.events';
  await run(as('adtally_ops'), RESTORE_A_DAY);
  expect(await run(as('adtally_analyst'), rows)).toHaveLength(1);
  await run(as('adtally_ops'), `SELECT drop_restored_day('2023-11-14')`);
  expect(await run(as('adtally_analyst'), rows)).toEqual([]);
});

test.skipIf(isSkipped)('operators book adjustments, and an analyst reads them', async () => {
  const id = '018bcfe5-687b-7abc-8def-0123456789ab';
  await run(
    as('adtally_ingest'),
    `INSERT INTO conflicts (source_id, source_offset, impression_id, event_key, record_value, record_headers)
     VALUES (1, 7, '${id}', '${id}', '', '')`,
  );
  await run(
    as('adtally_ops'),
    `WITH action AS (INSERT INTO operator_actions (actor, action, reason) VALUES ('me', 'x', 'y') RETURNING action_id)
     INSERT INTO adjustments (actor, reason, action_id, source_id, source_offset, impression_id, event_key, event_type,
       occurred_at, campaign_id, creative_id, placement_id, amount_micros, currency, booking)
     SELECT 'me', 'y', action_id, 1, 7, '${id}', '${id}', 'click', now(), 'c', 'cr', 'p', -1, 'EUR', 1 FROM action`,
  );
  const read = 'SELECT sum(amount_micros)::int AS micros FROM report_adjustments_daily';
  expect(await run(as('adtally_analyst'), read)).toEqual([{ micros: -1 }]);
});

test.skipIf(isSkipped)('an analyst runs commands, which say what it may not', async () => {
  const url = as('adtally_analyst');
  const read = async (table: 'late_notes' | 'conflicts') =>
    await withDatabase(url, { applicationName: 'test' }, (db) =>
      db.selectFrom(table).selectAll().execute(),
    );
  expect(await read('late_notes')).toEqual([]);
  await expect(read('conflicts')).rejects.toMatchObject({
    exitCode: 78,
    message: expect.stringContaining('refuses us: permission denied for table conflicts') as string,
  });
});

test.skipIf(isSkipped)(
  'a claim ends the session of the former owner, of whichever role',
  async () => {
    const former = await openSession(as('adtally_reprocessor'));
    const next = await openSession(as('adtally_ingest'));
    onTestFinished(async () => void (await Promise.all([former.close(), next.close()])));
    const first = await claimSource(former, 1, 'former');
    expect((await claimSource(next, 1, 'next')).epoch).toBeGreaterThan(first.epoch);
    await expect(former.query('SELECT 1')).rejects.toThrow(
      /terminat|not queryable|connection error/i,
    );
  },
);

test.skipIf(isSkipped)('ingest makes the days, which belong to the owner', async () => {
  const db = openDatabase(as('adtally_ingest'), { applicationName: 'test', maxConnections: 1 });
  const made = await ensureDayPartitions(db, { now: Date.now() }).finally(() => db.destroy());
  expect(made).toMatchObject({ ran: true, failed: [], postponed: [] });
  expect(made.created.length).toBeGreaterThan(8);
  const owners = await run(
    as(OWNER),
    "SELECT DISTINCT tableowner::text AS owner FROM pg_tables WHERE tablename ~ '^events_[0-9]'",
  );
  expect(owners).toEqual([{ owner: OWNER }]);
});

test.skipIf(isSkipped)(
  'nobody waits behind a day for a long reader of whom the owner sees nothing, as a backup',
  async () => {
    const backup = new Client({ connectionString: as('adtally') });
    await backup.connect();
    onTestFinished(() => backup.end());
    await backup.query('BEGIN; LOCK TABLE events IN ACCESS SHARE MODE');
    await sleep(1_200);
    await run(as('adtally_ingest'), "SELECT build_event_day('2032-01-01')");
    const move = "SET lock_timeout = '100ms'; SELECT move_event_day('2032-01-01')";
    await expect(run(as('adtally_ingest'), move)).rejects.toThrow('in use by a long transaction');
    await backup.query('COMMIT');
    await run(as('adtally_ingest'), move);
  },
);

test.skipIf(isSkipped)(
  'a role whose sessions the owner may not end cannot claim: it would be ended by nobody',
  async () => {
    await run(server.url, 'CREATE ROLE stranger LOGIN');
    await run(as(OWNER), 'GRANT EXECUTE ON FUNCTION claim_source(int, text, int) TO stranger');
    await expect(run(as('stranger'), "SELECT claim_source(2, 'me')")).rejects.toMatchObject({
      code: NO_RIGHT,
      message: expect.stringContaining('grant it that role') as string,
    });
  },
);

test.skipIf(isSkipped)(
  'to see when sessions began, as pg_monitor may, is not enough for a claim: it would be ended by nobody',
  async () => {
    await run(server.url, `CREATE ROLE seen LOGIN; GRANT pg_monitor TO ${OWNER}`);
    onTestFinished(async () => void (await run(server.url, `REVOKE pg_monitor FROM ${OWNER}`)));
    await run(as(OWNER), 'GRANT EXECUTE ON FUNCTION claim_source(int, text, int) TO seen');
    const claim = "SELECT claim_source(2, 'me')";
    await expect(run(as('seen'), claim)).rejects.toMatchObject({ code: NO_RIGHT });
    await run(server.url, `GRANT pg_signal_backend TO ${OWNER}`);
    await run(as('seen'), claim);
    await run(as('adtally_ingest'), claim); // nobody lives who would have to be ended
  },
);

test.skipIf(isSkipped)('of what runs as the owner no other role puts a step in', async () => {
  // Each fits better than what is meant, wherever it stands in the path.
  const hostile = [
    ['to_char(date, text)', 'text'],
    ['starts_with(name, text)', 'boolean'],
    ['format(text, text)', 'text'],
    ['end_backend(int, timestamptz, int)', 'void'],
  ] as const;
  await run(as('adtally'), 'GRANT CREATE ON SCHEMA public TO adtally_ingest');
  onTestFinished(
    async () =>
      void (await run(as('adtally'), 'REVOKE CREATE ON SCHEMA public FROM adtally_ingest')),
  );
  for (const [signature, type] of hostile) {
    const body = "BEGIN RAISE EXCEPTION 'ran as %', current_user; END";
    const made = `CREATE FUNCTION public.${signature} RETURNS ${type} LANGUAGE plpgsql AS $$${body}$$`;
    await run(as('adtally_ingest'), made);
  }
  await run(as('adtally_ingest'), `SELECT build_event_day('2031-01-01')`);
  await run(as('adtally_ingest'), `SELECT copy_event_day('2031-01-01', 10)`);
  await run(as('adtally_ingest'), `SELECT move_event_day('2031-01-01')`);
  await run(as('adtally_ingest'), `SELECT build_event_day('2031-01-02')`);
  await run(as('adtally_ingest'), 'SELECT drop_event_day_leftovers()');
  expect(await run(as('adtally_ingest'), "SELECT claim_source(2, 'me')")).toHaveLength(1);
  for (const [signature] of hostile) {
    await run(as('adtally_ingest'), `DROP FUNCTION public.${signature}`);
  }
});

test.skipIf(isSkipped)('what runs as the owner looks into pg_catalog alone', async () => {
  const [{ names, open, loose }] = (await run(
    as(OWNER),
    `WITH ours AS (SELECT * FROM pg_proc WHERE pronamespace = 'public'::regnamespace),
          raised AS (SELECT * FROM ours WHERE prosecdef)
     -- What a trigger runs nobody can call.
     SELECT (SELECT count(*)::int FROM raised WHERE prorettype <> 'trigger'::regtype) AS names,
            (SELECT array_agg(oid::regprocedure::text) FROM raised
             WHERE proconfig IS DISTINCT FROM '{"search_path=pg_catalog, pg_temp"}') AS open,
            (SELECT array_agg(DISTINCT called.oid::regprocedure::text) FROM ours called, raised
             WHERE called.pronargdefaults > 0 AND raised.prosrc LIKE '%public.' || called.proname || '(%') AS loose`,
  )) as [Record<string, unknown>];
  expect({ names, open, loose }).toEqual({
    names: OWNERS_FUNCTIONS.length,
    open: null,
    loose: null,
  });
});

test.skipIf(isSkipped)(
  'nobody is granted rights where everybody may create functions and the owner cannot end that',
  async () => {
    const there = (role: string) => as(role).replace('///counted', '///older');
    await run(server.url, `CREATE DATABASE older OWNER ${OWNER}`);
    const open = 'ALTER SCHEMA public OWNER TO adtally; GRANT CREATE ON SCHEMA public TO PUBLIC';
    await run(there('adtally'), open);
    const remedy = `REVOKE CREATE ON SCHEMA public FROM PUBLIC; GRANT CREATE ON SCHEMA public TO "${OWNER}"`;
    await expect(migrate(there(OWNER))).rejects.toMatchObject({
      exitCode: 78,
      message: expect.stringContaining(remedy) as string,
    });
    await run(there('adtally'), remedy);
    expect((await migrate(there(OWNER))).roles).toHaveLength(ROLES.length);
  },
);
