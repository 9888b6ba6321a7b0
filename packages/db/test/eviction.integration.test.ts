import { ROUTE } from '@adtally/event-schema';
import { waitFor } from '@adtally/testkit';
import { Client } from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import {
  adoptSources,
  claimSource,
  claimSources,
  CopyEncoder,
  releaseSources,
  WRITTEN_COLUMN_LIST,
  writeBatch,
  type WriterSession,
} from '../src/index.ts';
import { asConsumer, batchOf, rangeOf } from '../testing/batches.ts';
import { databaseWithSources, openSession } from '../testing/writer-session.ts';

const ROWS = 2_000;
const COPY_TRAILER_BYTES = 2;

let database: Awaited<ReturnType<typeof databaseWithSources>>;
let control: WriterSession;
const encoder = new CopyEncoder();
const open: { close(): Promise<void> }[] = [];

/** The sources of the test at hand; each test has its own two. */
let mine = -1;
let others = 0;
const SOURCES = 24;

beforeAll(async () => {
  database = await databaseWithSources(SOURCES);
  control = database.session;
});
beforeEach(() => {
  mine += 2;
  others += 2;
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});
afterAll(() => database.drop());

async function session(): Promise<WriterSession> {
  const opened = await openSession(database.url);
  open.push(opened);
  return opened;
}

const rows = (route: keyof typeof ROUTE, sourceId = mine) =>
  batchOf(
    Array.from({ length: ROWS }, (_, offset) => ({
      offset,
      sourceId,
      identity: `${mine}-${offset}`,
      route,
    })),
  );

function write(writer: WriterSession, epoch: number, sourceId = mine) {
  const ranges = [rangeOf({ sourceId, epoch, first: 0, end: ROWS })];
  return writeBatch(writer, encoder, rows('verified', sourceId), ranges, asConsumer());
}

async function pidOf(one: { query(text: string): Promise<unknown> }): Promise<number> {
  const result = await one.query('SELECT pg_backend_pid() AS pid');
  const list = (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows) as {
    pid: number;
  }[];
  return (list[0] as { pid: number }).pid;
}

async function isAlive(pid: number): Promise<boolean> {
  return (
    (await control.query('SELECT 1 FROM pg_stat_activity WHERE pid = $1::int', [pid])).length > 0
  );
}

/** A client that has claimed this test's source and stops for ever in the middle of its COPY. */
async function frozenInsideCopy(): Promise<{ pid: number; ended: Promise<void> }> {
  const client = new Client({ connectionString: database.url });
  await client.connect();
  open.push({ close: () => client.end().catch(() => undefined) });
  const ended = new Promise<void>((resolve) => client.once('end', () => resolve()));
  client.on('error', () => undefined);
  const pid = await pidOf(client);
  await client.query(`SELECT claim_source(${mine}, 'frozen')`);
  await client.query('BEGIN');
  const stream = client.query(copyFrom(`COPY events (${WRITTEN_COLUMN_LIST}) FROM STDIN BINARY`));
  stream.on('error', () => undefined);
  const batch = rows('fast');
  const encoded = encoder.encode(
    batch,
    Int32Array.from({ length: ROWS }, (_, row) => row),
  );
  stream.write(Buffer.from(encoded.subarray(0, encoded.length - COPY_TRAILER_BYTES)));
  await waitFor(
    async () =>
      (
        await control.query(
          `SELECT 1 FROM pg_stat_progress_copy c JOIN pg_stat_activity a USING (pid)
           WHERE c.pid = $1::int AND c.tuples_processed = ${ROWS} AND a.wait_event = 'ClientRead'`,
          [pid],
        )
      ).length === 1,
    { what: 'a COPY with all rows, waiting for its client' },
  );
  return { pid, ended };
}

it('a former owner frozen inside COPY holds its keys until the next claim ends exactly it', async () => {
  const { pid, ended } = await frozenInsideCopy();
  const bystander = await session();
  await bystander.query('BEGIN');
  const next = await session();
  // Without the eviction nobody could write these keys: another source waits in vain.
  const other = await session();
  const claimed = await claimSource(other, others, 'other');
  await expect(write(other, claimed.epoch, others)).rejects.toMatchObject({
    failure: { kind: 'transient', sqlState: '55P03', phase: 'events' },
  });

  const claim = await claimSource(next, mine, 'next');
  expect(await isAlive(pid)).toBe(false);
  await ended;
  expect((await write(next, claim.epoch))[0]).toMatchObject({ stored: ROWS });
  expect(await bystander.query('SELECT 1')).toHaveLength(1);
  expect(await isAlive(await pidOf(other))).toBe(true);
});

it('a claim that is rolled back has still ended the backend, and leaves its name for the next', async () => {
  const { pid } = await frozenInsideCopy();
  const dying = await session();
  await dying.query('BEGIN');
  await dying.query(`SELECT claim_source(${mine}, 'dying')`);
  dying.destroy();
  await waitFor(async () => !(await isAlive(pid)), { what: 'the frozen backend to go' });
  const [cursor] = await waitFor(
    () => control.query(`SELECT owner, epoch::int FROM cursors WHERE source_id = ${mine}`),
    { what: 'the cursor' },
  );
  expect(cursor).toEqual({ owner: 'frozen', epoch: 1 });
  const next = await session();
  expect(await claimSource(next, mine, 'next')).toMatchObject({ epoch: 2, nextOffset: 0 });
});

it('a pid that was reused by another process is left alone', async () => {
  const innocent = await session();
  const pid = await pidOf(innocent);
  await control.query(
    `UPDATE cursors SET owner = 'gone', epoch = 1, backend_pid = $1::int,
       backend_start = (SELECT backend_start - interval '1 hour' FROM pg_stat_activity WHERE pid = $1::int)
     WHERE source_id = ${mine}`,
    [pid],
  );
  const next = await session();
  await claimSource(next, mine, 'next');
  expect(await innocent.query('SELECT 1')).toHaveLength(1);
  expect(await isAlive(pid)).toBe(true);
});

it('an owner that said goodbye is not ended, and one that claims again does not end itself', async () => {
  const polite = await session();
  const first = await claimSource(polite, mine, 'polite');
  const again = await claimSource(polite, mine, 'polite');
  expect(again.epoch).toBe(first.epoch + 1);
  await releaseSources(polite, [{ sourceId: mine, epoch: again.epoch }]);
  const next = await session();
  await claimSource(next, mine, 'next');
  expect(await polite.query('SELECT 1')).toHaveLength(1);
});

it('a stale goodbye does not hide the present owner from the next claim', async () => {
  const old = await session();
  const present = await session();
  const stale = await claimSource(old, mine, 'old');
  await releaseSources(old, [stale]);
  await claimSource(present, mine, 'present');
  await releaseSources(old, [stale]);
  const pid = await pidOf(present);
  const next = await session();
  await claimSource(next, mine, 'next');
  expect(await isAlive(pid)).toBe(false);
});

it('a reconnect ends the lost session and reads cursors that nobody can move any more', async () => {
  const { pid } = await frozenInsideCopy();
  const renewed = await session();
  const cursors = await adoptSources(renewed, [{ sourceId: mine, epoch: 1 }]);
  expect(await isAlive(pid)).toBe(false);
  expect(cursors.get(mine)).toEqual({ nextOffset: 0, epoch: 1 });
  expect((await write(renewed, 1))[0]).toMatchObject({ stored: ROWS });
  // It is the one the next claim ends.
  const next = await session();
  await claimSource(next, mine, 'next');
  await waitFor(() => !renewed.isUsable, { what: 'the renewed session to be ended' });
});

it('a reconnect takes over nothing that was claimed by somebody else meanwhile', async () => {
  const owner = await session();
  const late = await session();
  await claimSource(late, mine, 'late');
  await releaseSources(late, [{ sourceId: mine, epoch: 1 }]);
  await claimSource(owner, mine, 'owner');
  expect(await adoptSources(late, [{ sourceId: mine, epoch: 1 }])).toEqual(
    new Map([[mine, { nextOffset: 0, epoch: 2 }]]),
  );
  expect(await owner.query('SELECT 1')).toHaveLength(1);
  expect((await write(owner, 2))[0]).toMatchObject({ stored: ROWS });
});

/** As `databaseWithSources` made it: its ids begin at 1, its partitions at 0. */
const named = (sourceId: number) => ({ sourceId, partition: sourceId - 1, topicId: 'test-id' });

it('several claims by one statement are what each would be, and end the former owner of each', async () => {
  const { pid, ended } = await frozenInsideCopy();
  const next = await session();
  const two = [named(others), named(mine)];
  expect([...(await claimSources(next, two, 'next', 2_000))]).toEqual([
    [mine, { sourceId: mine, nextOffset: 0, epoch: 2, halted: null }],
    [others, { sourceId: others, nextOffset: 0, epoch: 1, halted: null }],
  ]);
  expect(await isAlive(pid)).toBe(false);
  await ended;
  const another = { ...named(mine), topicId: 'another' };
  await control.query(
    `UPDATE cursors SET halted_code = 'hole', halted_detail = 'test', halted_at = now() WHERE source_id = ${others}`,
  );
  const halted = { nextOffset: 0, epoch: 1, halted: { code: 'hole', detail: 'test' } };
  expect([...(await claimSources(next, [another, named(others)], 'next', 2_000))]).toEqual([
    [others, { sourceId: others, ...halted }],
  ]);
});

it('where one of several cannot be claimed in time, none is', async () => {
  const [next, holder] = [await session(), await session()];
  await holder.query(`BEGIN; SELECT 1 FROM cursors WHERE source_id = ${others} FOR UPDATE`);
  await expect(claimSources(next, [named(mine), named(others)], 'next', 100)).rejects.toMatchObject(
    { code: '55P03' },
  );
  await holder.query('ROLLBACK');
  expect(
    await control.query(
      `SELECT owner, epoch::int FROM cursors WHERE source_id IN (${mine}, ${others})`,
    ),
  ).toEqual([
    { owner: null, epoch: 0 },
    { owner: null, epoch: 0 },
  ]);
  const claims = await claimSources(next, [named(mine), named(others)], 'next', 100);
  expect([...claims.keys()]).toEqual([mine, others]);
});
