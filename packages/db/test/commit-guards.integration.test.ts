import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { auditDatabase } from '../src/audit/audit.ts';
import {
  claimSource,
  CopyEncoder,
  openDatabase,
  writeBatch,
  type Database,
  type WriterSession,
} from '../src/index.ts';
import { asConsumer, batchOf, rangeOf, type RowSpec } from '../testing/batches.ts';
import { databaseWithSources, openSession } from '../testing/writer-session.ts';

let database: Awaited<ReturnType<typeof databaseWithSources>>;
let session: WriterSession;
let db: Database;
let commitBatch: string;
const encoder = new CopyEncoder();

/** The source of the test at hand; each has its own, claimed with epoch 1. */
let sourceId = 0;
const SOURCES = 20;

beforeAll(async () => {
  database = await databaseWithSources(SOURCES);
  session = database.session;
  db = openDatabase(database.url, { applicationName: 'test', statementTimeoutMs: 0 });
  const [row] = await session.query<{ definition: string }>(
    `SELECT pg_get_functiondef('commit_batch'::regproc) AS definition`,
  );
  commitBatch = row?.definition ?? '';
});
beforeEach(async () => {
  sourceId += 1;
  await claimSource(session, sourceId, 'test');
});
afterEach(async () => {
  await session.query(commitBatch);
  await session.query('UPDATE write_guards SET horizon_ms = 0');
});
afterAll(async () => {
  await db.destroy();
  await database.drop();
});

const specs = (from: number, end: number): RowSpec[] =>
  Array.from({ length: end - from }, (_, index) => ({ offset: from + index, sourceId }));

function write(from: number, end: number, epoch = 1, writer = session) {
  const ranges = [rangeOf({ sourceId, epoch, first: from, end })];
  return writeBatch(writer, encoder, batchOf(specs(from, end)), ranges, asConsumer());
}

/** The audit's checks that this test's source does not hold. */
async function failedChecks(): Promise<string[]> {
  const report = await auditDatabase(db);
  return report.checks
    .filter((check) => check.offending.some(({ source }) => source === sourceId))
    .map((check) => check.id);
}

/** The commit call as it is, but for one protection. */
async function withoutProtection(from: string, to: string): Promise<void> {
  const weakened = commitBatch.replace(from, to);
  expect(weakened).not.toBe(commitBatch);
  await session.query(weakened);
}

const NO_FENCE = ['IF stale IS NOT NULL THEN', 'IF false THEN'] as const;
const NO_HORIZON = ['IF NOT FOUND THEN', 'IF false THEN'] as const;

describe('were the comparison of cursors missing', () => {
  beforeEach(async () => {
    await withoutProtection(...NO_FENCE);
    await write(0, 10);
  });

  it.each([
    ['the same range once more', 0, 10, 'bug'],
    ['a range that overlaps', 5, 15, 'bug'],
    ['a range that ends where another begins anew', 0, 20, 'bug'],
    ['a range past a hole', 12, 20, 'bug'],
  ])('I1: the ledger itself refuses %s', async (_what, first, end, kind) => {
    await expect(write(first, end)).rejects.toMatchObject({
      failure: { kind, sqlState: expect.stringMatching(/^23/) },
    });
    expect(await failedChecks()).toEqual([]);
  });

  it('I3: nothing but the epoch stops a zombie that goes on where the new owner stands', async () => {
    const zombie = await openSession(database.url);
    await session.query(`UPDATE cursors SET epoch = 7 WHERE source_id = ${sourceId}`);
    // The weakened call lets the old epoch pass: this is what the comparison is for.
    await write(10, 15, 1, zombie);
    await zombie.close();
    expect(
      await session.query(
        `SELECT 1 FROM ledger WHERE source_id = ${sourceId} AND epoch = 1 AND end_offset = 15`,
      ),
    ).toHaveLength(1);
  });
});

it('I3: with the comparison the same zombie is fenced', async () => {
  await write(0, 10);
  await session.query(`UPDATE cursors SET epoch = 7 WHERE source_id = ${sourceId}`);
  await expect(write(10, 15)).rejects.toMatchObject({
    failure: { kind: 'fenced', sourceIds: [sourceId] },
  });
  expect(await failedChecks()).toEqual([]);
});

it('I4: rows written outside the commit transaction are seen by the audit', async () => {
  await write(0, 10);
  await session.query(`DELETE FROM events WHERE source_id = ${sourceId} AND source_offset = 3`);
  expect(await failedChecks()).toEqual(['I4']);
});

it('were the horizon not compared, a row behind it would be stored again', async () => {
  await session.query('UPDATE write_guards SET horizon_ms = 5');
  await expect(write(0, 1)).rejects.toMatchObject({ failure: { kind: 'horizon_moved' } });
  await withoutProtection(...NO_HORIZON);
  expect((await write(0, 1))[0]).toMatchObject({ stored: 1 });
});

it('I3: two writers of one range at the same time: one commits, the other is fenced', async () => {
  const second = await openSession(database.url);
  const outcomes = await Promise.allSettled([write(0, 500), write(0, 500, 1, second)]);
  await second.close();
  expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
    reason: { failure: { kind: 'fenced', sourceIds: [sourceId] } },
  });
  expect(await failedChecks()).toEqual([]);
  expect(await session.query(`SELECT 1 FROM events WHERE source_id = ${sourceId}`)).toHaveLength(
    500,
  );
});

it.each([
  ['the cursor', 'UPDATE cursors SET next_offset = 5 WHERE source_id = $1::int'],
  ['the epoch', 'UPDATE cursors SET epoch = 0 WHERE source_id = $1::int'],
])('I3: %s cannot go back, even by hand', async (_what, statement) => {
  await write(0, 10);
  await expect(session.query(statement, [sourceId])).rejects.toThrow('would go back');
});

it.each([
  [
    'the cursor beyond its ledger',
    'UPDATE cursors SET next_offset = 99 WHERE source_id = $1::int',
    'cursor_ends_ledger',
  ],
  [
    'a ledger row that does not balance',
    'UPDATE ledger SET stored = stored + 1 WHERE end_offset = 10 AND source_id = $1::int',
    'ledger_balances',
  ],
  [
    'a ledger row that claims more than it spans',
    'UPDATE ledger SET gap = 1 WHERE end_offset = 10 AND source_id = $1::int',
    'ledger_spans',
  ],
  [
    'a second genesis',
    'INSERT INTO ledger (source_id, end_offset, epoch) VALUES ($1::int, 50, 1)',
    'ledger_one_genesis',
  ],
  [
    'a removed ledger row',
    'DELETE FROM ledger WHERE end_offset = 10 AND source_id = $1::int',
    'cursor_ends_ledger',
  ],
])('I1, I2: the database refuses %s', async (_what, statement, constraint) => {
  await write(0, 10);
  await expect(session.query(statement, [sourceId])).rejects.toMatchObject({ constraint });
});
