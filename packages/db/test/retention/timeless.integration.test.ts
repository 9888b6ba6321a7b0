import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { auditDatabase } from '../../src/audit/audit.ts';
import type { Database } from '../../src/database.ts';
import { databaseNowMs } from '../../src/database-now.ts';
import { ensureDayPartitions } from '../../src/partitions.ts';
import { dropDays } from '../../src/retention/drop-days.ts';
import {
  beginTimelessPass,
  newestTimelessPass,
  noteTimelessPosition,
  purgeTimeless,
  readTimelessPage,
} from '../../src/retention/timeless-passes.ts';
import { migratedDatabase } from '../../testing/migrated-database.ts';
import { idAt } from '../event-rows.ts';
import { CountingWriter, strayAt } from './counting-writer.ts';

vi.setConfig({ testTimeout: 90_000 });

let database: Awaited<ReturnType<typeof migratedDatabase>>;
let db: Database;
let writer: CountingWriter;
beforeAll(async () => {
  database = await migratedDatabase();
  ({ db } = database);
  writer = await CountingWriter.open(database.url, 'topic');
});
afterAll(async () => {
  await writer.close();
  await database[Symbol.asyncDispose]();
});

const DAY_MS = 86_400_000;
const NOW = Date.parse('2026-01-31T13:00:00Z');
const ALL = { nowMs: NOW, retentionDays: 3, archive: null, keepsRollups: false };

/** All that is committed so far may leave; all of it that has no time does. */
async function purge(): Promise<number> {
  const nowMs = Math.floor(await databaseNowMs(db));
  await vi.waitFor(async () => expect(await databaseNowMs(db)).toBeGreaterThan(nowMs));
  await beginTimelessPass(db, nowMs);
  const pass = await newestTimelessPass(db);
  if (pass === null) throw new Error('no pass');
  const { through, impressionIds } = await readTimelessPage(db, pass, { after: null, rows: 1_000 });
  expect(through).toBeNull();
  try {
    await db
      .transaction()
      .execute((trx) => purgeTimeless(trx, pass, impressionIds, BigInt(impressionIds.length)));
  } finally {
    await noteTimelessPosition(db, pass.passId, null);
  }
  return impressionIds.length;
}

async function stored(): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`SELECT impression_id AS id FROM events`.execute(db);
  return rows.map(({ id }) => id).toSorted();
}

async function expectExact(): Promise<void> {
  const { checks } = await auditDatabase(db);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
}

test('they leave from the partition of a day, from the default one and from beyond, and a day that was counted is dropped without them', async () => {
  await ensureDayPartitions(db, { now: NOW, daysBehind: 5, hoursAhead: 1 });
  const dayMs = NOW - 5 * DAY_MS;
  const timed = [idAt(dayMs, 1), idAt(NOW, 2)];
  await writer.commit([...timed, strayAt(dayMs), strayAt(0), strayAt(Date.UTC(2150, 0))]);
  // The day is counted, and waits: what is to stay of it is noted.
  const signal = new AbortController().signal;
  const waits = await dropDays(db, { ...ALL, keepsRollups: true, signal });
  expect(waits.waiting).toMatchObject([{ wait: { for: 'rollups' } }, { wait: { for: 'rollups' } }]);
  const strays = await sql`SELECT FROM retired_day_strays`.execute(db);
  expect(strays.rows).toHaveLength(1);

  expect(await purge()).toBe(3);
  await expectExact();
  expect(await stored()).toEqual(timed.toSorted());
  const { dropped } = await dropDays(db, { ...ALL, signal });
  expect(dropped).toMatchObject([{ rows: 1n }, { rows: 0n }]);
  expect(await stored()).toEqual(timed.slice(1));
  await expectExact();
  const { rows } = await sql<{ rows: number; ends: number }>`
    SELECT rows::int, end_offset::int AS ends FROM timeless_purged`.execute(db);
  expect(rows).toEqual([{ rows: 3, ends: 5 }]);
});

test('what was copied ahead for a day by a maker that was killed keeps no row that left, and the day can be made', async () => {
  const dayMs = NOW + 5 * DAY_MS;
  const label = new Date(dayMs).toISOString().slice(0, 10);
  await writer.commit([strayAt(dayMs), idAt(dayMs, 1)]);
  await sql`SELECT build_event_day(${label}::date)`.execute(db);
  const copied = await sql<{ n: number }>`SELECT copy_event_day(${label}::date, 100) AS n`.execute(
    db,
  );
  expect(copied.rows).toEqual([{ n: 2 }]);

  // Nor does any leave while a maker is at it.
  await db.connection().execute(async (maker) => {
    await sql`SELECT pg_advisory_lock(4701, 3)`.execute(maker);
    await expect(purge()).rejects.toThrow('days are made just now');
    await sql`SELECT pg_advisory_unlock(4701, 3)`.execute(maker);
  });
  expect(await purge()).toBe(1);
  const made = await ensureDayPartitions(db, { now: dayMs, daysBehind: 0, hoursAhead: 1 });
  expect(made).toMatchObject({ created: [label.replaceAll('-', '')], movedRows: 1, failed: [] });
  await expectExact();
});

test('others than those that were looked at never leave, nor what is too young', async () => {
  const [old, young] = [strayAt(NOW), strayAt(NOW)];
  await writer.commit([old]);
  await expect(beginTimelessPass(db, (await databaseNowMs(db)) + DAY_MS)).rejects.toThrow(
    'nothing was committed before',
  );
  const nowMs = Math.floor(await databaseNowMs(db));
  await vi.waitFor(async () => expect(await databaseNowMs(db)).toBeGreaterThan(nowMs + 1));
  await beginTimelessPass(db, nowMs);
  const pass = await newestTimelessPass(db);
  if (pass === null) throw new Error('no pass');
  await writer.commit([young]);
  const left = (ids: string[], rows: bigint) =>
    db.transaction().execute((trx) => purgeTimeless(trx, pass, ids, rows));
  expect((await readTimelessPage(db, pass, { after: null, rows: 1_000 })).impressionIds).toEqual([
    old,
  ]);
  await expect(left([old, young], 2n)).rejects.toThrow(
    '2 rows of ids without a time were looked at and 1 would leave',
  );
  await expect(left([idAt(NOW, 2)], 1n)).rejects.toThrow(
    '1 rows of ids without a time were looked at and 0 would leave',
  );
  await left([old], 1n);
  await noteTimelessPosition(db, pass.passId, null);
  expect(await stored()).toContain(young);
  expect(await stored()).not.toContain(old);
  await expectExact();
});

test('I6: a resolved letter whose event left is none that lost it, unless it was settled later', async () => {
  const id = strayAt(NOW);
  await writer.commit([id, idAt(0, 1)]);
  await sql`INSERT INTO dead_letters (source_id, source_offset, record_sha256, state, code, last_code, fingerprint, lane,
      outcome, impression_id, event_key, settled_at)
    SELECT source_id, source_offset, record_sha256, 'resolved', code, code, '', 0, 'duplicate', ${id}, ${id}, clock_timestamp()
    FROM dead_letter_refs`.execute(db);
  await expectExact();
  expect(await purge()).toBeGreaterThan(0);
  expect(await stored()).not.toContain(id);
  await expectExact();
  await sql`UPDATE dead_letters SET settled_at = clock_timestamp() + interval '1 hour'`.execute(db);
  const { checks } = await auditDatabase(db);
  expect(checks.filter(({ ok }) => !ok).map(({ id: check }) => check)).toEqual(['I6']);
});
