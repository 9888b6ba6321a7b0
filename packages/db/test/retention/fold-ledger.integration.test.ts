import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { auditDatabase } from '../../src/audit/audit.ts';
import { auditRecent } from '../../src/audit/recent.ts';
import { auditSince } from '../../src/audit/since.ts';
import type { Database } from '../../src/database.ts';
import { dropDays } from '../../src/retention/drop-days.ts';
import { foldLedger } from '../../src/retention/fold-ledger.ts';
import { dropRetiredDay } from '../../src/retention/retired-days.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { idAt } from '../event-rows.ts';
import { CountingWriter } from './counting-writer.ts';

const NOW = Date.parse('2026-01-31T12:30:00Z');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const BATCHES = 240;
const { signal } = new AbortController();

/** A batch every quarter of an hour, so far back that most are older than a day; the last one is the cursor's. */
async function world() {
  const database = await migratedDatabase();
  const writer = await CountingWriter.open(database.url, 'topic');
  for (let n = 0; n < BATCHES; n += 1)
    await writer.commit([idAt(NOW - n * HOUR_MS, n), idAt(NOW - n * HOUR_MS, n)]);
  await sql`UPDATE ledger SET committed_at = to_timestamp(${NOW / 1000})
    - (${BATCHES} - end_offset / 2) * interval '15 minutes'`.execute(database.db);
  return {
    ...database,
    writer,
    async [Symbol.asyncDispose]() {
      await writer.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

async function expectExact(db: Database): Promise<void> {
  const { checks } = await auditDatabase(db);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect((await auditRecent(db)).filter(({ ok }) => !ok)).toEqual([]);
  for (const since of [0, NOW - 20 * HOUR_MS, NOW - 30 * HOUR_MS - 1_000]) {
    expect((await auditSince(db, new Date(since))).checks.filter(({ ok }) => !ok)).toEqual([]);
  }
}

async function sums(db: Database): Promise<unknown> {
  const { rows } =
    await sql`SELECT sum(consumed) AS consumed, sum(stored) AS stored, sum(duplicate) AS duplicate,
    sum(gap) AS gap, sum(lost) AS lost, bit_xor(stored_fingerprint) AS fingerprint, max(epoch) AS epoch,
    max(end_offset) AS end_offset FROM ledger`.execute(db);
  return rows[0];
}

async function count(db: Database): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ledger`.execute(db);
  return rows[0]?.n ?? 0;
}

test.each([2, 3, 50, 2_000])(
  'I1-I4: old rows fold into one an hour, %i at once, and all that is told of them stays',
  async (rowsAtOnce) => {
    await using the = await world();
    const { db } = the;
    const before = await sums(db);
    const beforeMs = NOW - DAY_MS;
    const gone = await foldLedger(db, { beforeMs, signal, rowsAtOnce });
    expect(await sums(db)).toEqual(before);
    expect(await count(db)).toBe(BATCHES + 1 - gone);
    await expectExact(db);
    const { rows } = await sql<{ hours: number; n: number }>`
      SELECT count(DISTINCT date_trunc('hour', committed_at, 'UTC'))::int AS hours, count(*)::int AS n FROM ledger
      WHERE committed_at < date_trunc('hour', to_timestamp(${beforeMs / 1000}), 'UTC') AND first_offset IS NOT NULL`.execute(
      db,
    );
    expect(rows[0]?.n).toBe(rows[0]?.hours);
    expect(gone).toBeGreaterThan(100);
    // Nothing is left to do, and the next day goes on where this one ended.
    expect(await foldLedger(db, { beforeMs, signal, rowsAtOnce })).toBe(0);
    await the.writer.commit([idAt(NOW, 7)]);
    expect(await foldLedger(db, { beforeMs: NOW + DAY_MS, signal, rowsAtOnce })).toBeGreaterThan(0);
    await expectExact(db);
  },
);

test('a loss stays the row that was signed', async () => {
  await using the = await world();
  const { db, writer } = the;
  await sql`UPDATE ledger SET consumed = 0, stored = 0, duplicate = 0, stored_fingerprint = 0, lost = 2
    WHERE end_offset = 100`.execute(db);
  await sql`DELETE FROM events WHERE source_offset IN (98, 99)`.execute(db);
  await foldLedger(db, { beforeMs: NOW, signal });
  const { rows } =
    await sql`SELECT first_offset::int, end_offset::int FROM ledger WHERE lost > 0`.execute(db);
  expect(rows).toEqual([{ first_offset: 98, end_offset: 100 }]);
  await writer.commit([idAt(NOW, 8)]);
  await expectExact(db);
});

test('days that are dropped before, between and after folding are told to the rows that are there', async () => {
  await using the = await world();
  const { db } = the;
  const drop = async (retentionDays: number) =>
    await dropDays(db, { nowMs: NOW, retentionDays, archive: null, keepsRollups: false, signal });
  expect((await drop(8)).dropped.length).toBeGreaterThan(0);
  await foldLedger(db, { beforeMs: NOW - 40 * HOUR_MS, signal });
  await expectExact(db);
  expect((await drop(6)).dropped).toHaveLength(2);
  await expectExact(db);
  // Counted before, told after it was folded.
  let isFolded = false;
  const result = await dropDays(db, {
    nowMs: NOW,
    retentionDays: 5,
    keepsRollups: false,
    signal,
    archive: {
      async keep() {
        isFolded = (await foldLedger(db, { beforeMs: NOW, signal })) > 0;
      },
    },
  });
  expect(isFolded).toBe(true);
  expect(result.dropped).toHaveLength(1);
  await expectExact(db);
});

test('while a day is being dropped nothing is folded: a fold would write what it read before', async () => {
  await using the = await world();
  const { db } = the;
  const counted = await dropDays(db, {
    nowMs: NOW,
    retentionDays: 8,
    archive: { keep: async () => Promise.reject(new Error('not yet')) },
    keepsRollups: false,
    signal,
  });
  const day = counted.waiting[0]?.day;
  if (day === undefined) throw new Error('no day was counted');
  await db.transaction().execute(async (trx) => {
    expect(await dropRetiredDay(trx, day)).toBeGreaterThan(0n);
    expect(await foldLedger(db, { beforeMs: NOW, signal })).toBe(0);
  });
  expect(await foldLedger(db, { beforeMs: NOW, signal })).toBeGreaterThan(0);
  await expectExact(db);
});
