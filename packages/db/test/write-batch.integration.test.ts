import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import {
  claimSource,
  CopyEncoder,
  probeRows,
  rehearseBatch,
  WriteError,
  writeBatch,
  type SourceRange,
  type Trust,
  type WriterSession,
} from '../src/index.ts';
import { VERDICT, type EventBatch } from '@adtally/event-schema';
import { asConsumer, batchOf, rangeOf } from '../testing/batches.ts';
import { databaseWithSources, openSession } from '../testing/writer-session.ts';

let database: Awaited<ReturnType<typeof databaseWithSources>>;
let session: WriterSession;
const encoder = new CopyEncoder();

beforeEach(async () => {
  database = await databaseWithSources(2);
  session = database.session;
  await claimSource(session, 1, 'test');
});
afterEach(() => database.drop());

function write(batch: EventBatch, ranges: SourceRange[], trust: Trust = 'answers', horizonMs = 0) {
  return writeBatch(session, encoder, batch, ranges, asConsumer({ horizonMs, trust }));
}

async function failureOf(work: Promise<unknown>) {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return error instanceof WriteError ? error.failure : error;
}

test('a rehearsed batch writes nothing, and leaves the session as it was', async () => {
  const seen = () =>
    session.query(
      `SELECT current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement,
              (SELECT count(*) FROM events) AS events, (SELECT count(*) FROM ledger) AS ledger,
              (SELECT jsonb_agg(c ORDER BY source_id) FROM cursors c) AS cursors`,
    );
  const before = await seen();
  await rehearseBatch(session);
  expect(session.isUsable).toBe(true);
  expect(await seen()).toEqual(before);
  await write(batchOf([{ offset: 0 }]), [rangeOf({ first: 0, end: 1 })]);
  expect(await session.query('SELECT FROM events')).toHaveLength(1);
});

test('a rehearsal that would have to wait is given up soon, and the session goes on', async () => {
  const other = await openSession(database.url);
  await other.query('BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE');
  const startedMs = performance.now();
  try {
    await expect(rehearseBatch(session)).rejects.toMatchObject({ failure: { kind: 'transient' } });
    // By its own limit: the session's would be two seconds.
    expect(performance.now() - startedMs).toBeLessThan(1_500);
  } finally {
    await other.close();
  }
  await write(batchOf([{ offset: 0 }]), [rangeOf({ first: 0, end: 1 })]);
});

describe('writing a batch', () => {
  it('writes the same row by COPY and by INSERT', async () => {
    const specs = [
      { offset: 0, route: 'fast', amountMicros: 9_007_199_254_740_993n },
      { offset: 1, route: 'verified', amountMicros: 9_007_199_254_740_993n },
    ] as const;
    await write(batchOf(specs), [rangeOf({ first: 0, end: 2 })]);
    const rows = await session.query(
      `SELECT source_offset, source_id, event_type::text, occurred_at::text, amount_micros, currency,
              campaign_id, creative_id, placement_id, click_id, conversion_id FROM events ORDER BY 1`,
    );
    expect(rows).toHaveLength(2);
    expect({ ...rows[1], source_offset: '0', occurred_at: rows[0]?.['occurred_at'] }).toEqual(
      rows[0],
    );
    expect(rows[0]).toMatchObject({
      event_type: 'impression',
      amount_micros: '9007199254740993',
      creative_id: 'créative-ü',
      click_id: null,
    });
  });

  it('I2: counts stored, duplicate and conflict, and keeps the conflicting bytes', async () => {
    const batch = batchOf([
      { offset: 0, identity: 'a', route: 'fast' },
      { offset: 1, identity: 'a', amountMicros: 7n },
      { offset: 3, identity: 'b' },
      { offset: 1000, identity: 'b', amountMicros: 1_500_000n },
    ]);
    // The fixture's time follows the offset: offset 1000 is b with another occurred_at.
    const [counts] = await write(batch, [rangeOf({ first: 0, end: 1001, gap: 997 })]);
    expect(counts).toMatchObject({ stored: 2, duplicate: 0, conflict: 2, deadLettered: 0 });
    const kept = await session.query(
      'SELECT source_offset, record_value FROM conflicts ORDER BY 1',
    );
    expect(kept.map((row) => String(row['source_offset']))).toEqual(['1', '1000']);
    expect(String(kept[0]?.['record_value'])).toBe('value of a');
    const second = batchOf([{ offset: 2000, identity: 'a' }]);
    const [again] = await write(second, [rangeOf({ first: 1001, end: 2001, gap: 999 })]);
    expect(again).toMatchObject({ stored: 0, duplicate: 1, conflict: 0 });
  });

  it.each([
    [
      'I5: a COPY that meets a stored key commits nothing and asks for the verified way',
      'fast',
      'answers',
      'nothing',
    ],
    [
      'a row that nobody was asked for is taken for new where guesses are trusted',
      'unasked',
      'guesses',
      'answers',
    ],
  ] as const)('%s', async (_title, route, trust, less) => {
    await write(batchOf([{ offset: 0, identity: 'a', route }]), [rangeOf({ first: 0, end: 1 })]);
    const batch = batchOf([
      { offset: 1, identity: 'new', route },
      { offset: 1000, identity: 'a', route },
    ]);
    const ranges = [rangeOf({ first: 1, end: 1001, gap: 998 })];
    expect(await failureOf(write(batch, ranges, trust))).toEqual({ kind: 'key_taken' });
    expect((await write(batch, ranges, less))[0]).toMatchObject({ stored: 1, duplicate: 1 });
  });

  it('I3: a stale cursor or epoch commits nothing and names the source', async () => {
    const batch = batchOf([{ offset: 0 }, { offset: 0, sourceId: 2 }]);
    await claimSource(session, 2, 'test');
    const ranges = [
      rangeOf({ first: 0, end: 1 }),
      rangeOf({ sourceId: 2, first: 0, end: 1, epoch: 9 }),
    ];
    expect(await failureOf(write(batch, ranges))).toEqual({ kind: 'fenced', sourceIds: [2] });
    expect(await session.query('SELECT 1 FROM events')).toHaveLength(0);
    expect(
      await failureOf(write(batchOf([{ offset: 5 }]), [rangeOf({ first: 5, end: 6 })])),
    ).toEqual({
      kind: 'fenced',
      sourceIds: [1],
    });
  });

  it('a horizon that moved commits nothing', async () => {
    await session.query('UPDATE write_guards SET horizon_ms = 5');
    const work = write(batchOf([{ offset: 0 }]), [rangeOf({ first: 0, end: 1 })]);
    expect(await failureOf(work)).toEqual({ kind: 'horizon_moved' });
  });

  it('tells a row the database refuses from a database that refuses everything', async () => {
    await session.query(
      `ALTER TABLE events ADD CONSTRAINT no_poison CHECK (campaign_id <> 'poison')`,
    );
    const batch = batchOf([{ offset: 0 }, { offset: 1, campaign: 'poison' }]);
    const ranges = [rangeOf({ first: 0, end: 2 })];
    expect(await failureOf(write(batch, ranges))).toEqual({ kind: 'data', sqlState: '23514' });
    expect(await probeRows(session, batch, [0])).toBeNull();
    expect(await probeRows(session, batch, [1])).toEqual({ kind: 'data', sqlState: '23514' });
    expect(await session.query('SELECT 1 FROM events')).toHaveLength(0);
    await session.query('ALTER TABLE ledger ADD CONSTRAINT nothing CHECK (end_offset < 2)');
    batch.reject(1, { code: 'data_refused', message: 'test' });
    expect(batch.verdict[1]).toBe(VERDICT.rejected);
    expect(await failureOf(write(batch, ranges))).toEqual({ kind: 'bug', sqlState: '23514' });
  });

  it('refers to every dead letter by coordinate, code and hash', async () => {
    const batch = batchOf([{ offset: 0 }, { offset: 1 }, { offset: 2 }]);
    batch.reject(1, { code: 'wrong_type', message: 'test' });
    batch.reject(2, { code: 'oversize', message: 'test' });
    const [counts] = await writeBatch(
      session,
      encoder,
      batch,
      [rangeOf({ first: 0, end: 3 })],
      asConsumer({}, [2]),
    );
    expect(counts).toMatchObject({ stored: 1, deadLettered: 2 });
    const refs = await session.query('SELECT source_offset, code FROM dead_letter_refs ORDER BY 1');
    expect(refs.map((row) => row['code'])).toEqual(['wrong_type', 'oversize']);
    const letters = await session.query('SELECT code, state, lane, attempts FROM dead_letters');
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({ code: 'oversize', state: 'pending', lane: 0, attempts: 0 });
  });

  it('the server may be another by the time it answers: a lost session has an unknown outcome', async () => {
    const killer = await openSession(database.url);
    const [{ pid } = { pid: 0 }] = await session.query<{ pid: number }>(
      'SELECT pg_backend_pid() AS pid',
    );
    await killer.query('SELECT pg_terminate_backend($1::int)', [pid]);
    const work = write(batchOf([{ offset: 0 }]), [rangeOf({ first: 0, end: 1 })]);
    expect(await failureOf(work)).toEqual({ kind: 'outcome_unknown' });
    expect(session.isUsable).toBe(false);
    await killer.close();
  });
});
