import { hasPgBouncer, testPgBouncer, type TestPgBouncer, waitFor } from '@adtally/testkit';
import { sql } from 'kysely';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import {
  adoptSources,
  claimSource,
  clearTheWay,
  openDatabase,
  WRITTEN_COLUMN_LIST,
  type WriterSession,
} from '../src/index.ts';
import { databaseWithSources, openSession } from '../testing/writer-session.ts';

// Behind a pooler in session mode a server process outlives the session that a cursor row names: what the claim
// protocol does to it then.

let database: Awaited<ReturnType<typeof databaseWithSources>>;
let pooler: TestPgBouncer;
let url: string;
let mine = 0;
const open: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  if (!hasPgBouncer()) return;
  database = await databaseWithSources(8);
  pooler = await testPgBouncer(database.url);
  url = pooler.urlFor(database.url);
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(async () => {
  await pooler?.close();
  await database?.drop();
});

async function session(address = url): Promise<WriterSession> {
  const opened = await openSession(address);
  open.push(opened);
  return opened;
}

async function pidOf(writer: WriterSession): Promise<number> {
  const [row] = await writer.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return row?.pid ?? 0;
}

/** A session that claimed the next source and was killed while idle. */
async function killedOwner(): Promise<number> {
  mine += 1;
  const owner = await session();
  await claimSource(owner, mine, 'killed');
  const pid = await pidOf(owner);
  owner.destroy();
  return pid;
}

/** Somebody else whom the pooler serves by that server process, once it was given back. */
async function strangerOn(pid: number): Promise<WriterSession> {
  return await waitFor(
    async () => {
      const stranger = await session();
      return (await pidOf(stranger)) === pid && stranger;
    },
    { what: 'the pooler to hand the process on' },
  );
}

const isSkipped = !hasPgBouncer();

test.skipIf(isSkipped)(
  'a process that was handed on to somebody else is not ended by the next claim',
  async () => {
    const stranger = await strangerOn(await killedOwner());
    const next = await session();
    expect(await claimSource(next, mine, 'next')).toMatchObject({ epoch: 2, halted: null });
    expect(await stranger.query('SELECT 1')).toHaveLength(1);
  },
);

test.skipIf(isSkipped)('nor beside the loop, nor where the owner itself comes back', async () => {
  const stranger = await strangerOn(await killedOwner());
  const db = openDatabase(database.url, { applicationName: 'test', maxConnections: 1 });
  open.push({ close: () => db.destroy() });
  expect(await clearTheWay(db, [mine], 'next')).toEqual(new Map());
  expect(await stranger.query('SELECT 1')).toHaveLength(1);
  const again = await session();
  const adopted = await adoptSources(again, [{ sourceId: mine, epoch: 1 }]);
  expect(adopted.get(mine)).toEqual({ nextOffset: 0, epoch: 1 });
  expect(await stranger.query('SELECT 1')).toHaveLength(1);
});

test.skipIf(isSkipped)(
  'nor where somebody else on it has claimed another source since',
  async () => {
    const stranger = await strangerOn(await killedOwner());
    const abandoned = mine;
    mine += 1;
    await claimSource(stranger, mine, 'stranger');
    const next = await session();
    await claimSource(next, abandoned, 'next');
    expect(await stranger.query('SELECT 1')).toHaveLength(1);
    // Of its own source it is the owner, and is ended.
    await claimSource(next, mine, 'next');
    await waitFor(() => !stranger.isUsable, { what: 'the owner to be ended' });
  },
);

test.skipIf(isSkipped)(
  'an owner frozen inside COPY is ended through the pooler, with its locks',
  async () => {
    mine += 1;
    const frozen = new Client({ connectionString: url });
    frozen.on('error', () => undefined);
    await frozen.connect();
    open.push({ close: () => frozen.end().catch(() => undefined) });
    const ended = new Promise<void>((resolve) => frozen.once('end', () => resolve()));
    await frozen.query(`SELECT claim_source(${mine}, 'frozen')`);
    await frozen.query('BEGIN');
    const stream = frozen.query(copyFrom(`COPY events (${WRITTEN_COLUMN_LIST}) FROM STDIN BINARY`));
    stream.on('error', () => undefined);
    stream.write(Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1'));
    const next = await session();
    expect(await claimSource(next, mine, 'next')).toMatchObject({ epoch: 2 });
    await ended;
  },
);

test.skipIf(isSkipped)(
  'an owner whose statement still runs when it is killed is ended by the next claim',
  async () => {
    mine += 1;
    const owner = await session();
    await claimSource(owner, mine, 'killed');
    const pid = await pidOf(owner);
    const unanswered = owner.query('SELECT pg_sleep(4)').catch(() => undefined);
    await waitFor(() => isActive(pid), { what: 'the statement to run' });
    owner.destroy();
    await unanswered;
    const next = await session(database.url);
    await claimSource(next, mine, 'next');
    expect(await isActive(pid)).toBe(false);
  },
);

test.skipIf(isSkipped)(
  'a pooler that is killed takes its sessions along, and the source is claimed again',
  async () => {
    mine += 1;
    const owner = await session();
    await claimSource(owner, mine, 'owner');
    await pooler.kill();
    await waitFor(() => !owner.isUsable, { what: 'the session to be lost' });
    await pooler.start();
    const again = await session();
    const adopted = await adoptSources(again, [{ sourceId: mine, epoch: 1 }]);
    expect(adopted.get(mine)).toEqual({ nextOffset: 0, epoch: 1 });
  },
);

test.skipIf(isSkipped)(
  'a replay whose process died behind the pooler can be claimed again',
  async () => {
    mine += 1;
    await database.session.query(
      `INSERT INTO replay_runs (topic, topic_id, actor, reason) VALUES ('test', 'test-id', 'me', 'test')`,
    );
    await database.session.query(
      `INSERT INTO replay_progress (run_id, partition, source_id, events_source_id, first_offset, end_offset, next_offset)
     SELECT max(run_id), 0, ${mine}, 1, 0, 1, 0 FROM replay_runs`,
    );
    const claim = 'SELECT * FROM replay_runs r CROSS JOIN LATERAL claim_replay(r.run_id, $1::text)';
    const worker = await session();
    await worker.query(claim, ['first']);
    const pid = await pidOf(worker);
    const other = await session(database.url);
    await expect(other.query(claim, ['second'])).rejects.toMatchObject({ code: 'ADT05' });
    worker.destroy();
    await strangerOn(pid);
    expect(await other.query(claim, ['second'])).toHaveLength(1);
  },
);

async function isActive(pid: number): Promise<boolean> {
  const db = openDatabase(database.url, { applicationName: 'test', maxConnections: 1 });
  try {
    const { rows } = await sql`
      SELECT FROM pg_stat_activity WHERE pid = ${pid} AND state = 'active'`.execute(db);
    return rows.length > 0;
  } finally {
    await db.destroy();
  }
}
