import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase, type DatabaseExecutor } from '../src/database.ts';
import { eventDay, eventDays } from '../src/event-days.ts';
import { ensureDayPartitions } from '../src/partitions.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { idAt, insertEvent, keyOf } from './event-rows.ts';

const NOW = Date.parse('2026-01-31T13:00:00Z');
const DAY = 86_400_000;
const window = { now: NOW, daysBehind: 1, hoursAhead: 24 };
const DAYS = ['20260130', '20260131', '20260201'];

async function tableOf(db: DatabaseExecutor, impressionId: string): Promise<string | undefined> {
  const { rows } = await sql<{ name: string }>`
    SELECT tableoid::regclass::text AS name FROM events WHERE impression_id = ${impressionId}`.execute(
    db,
  );
  return rows[0]?.name;
}

async function insertAt(db: DatabaseExecutor, ms: number, n: number): Promise<string> {
  const impressionId = idAt(ms, n);
  await insertEvent(db, { impressionId, key: keyOf(n), sourceId: 1, offset: BigInt(n) });
  return impressionId;
}

/** Further events of that moment's millisecond, quickly; all ids of version 4. */
async function insertMany(db: DatabaseExecutor, ms: number, count: number): Promise<void> {
  const prefix = ms.toString(16).padStart(12, '0');
  await sql`INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
      event_key, currency, campaign_id, creative_id, placement_id)
    SELECT now(), 1, n, 1, 'impression', (${prefix} || '40008' || lpad(to_hex(n), 15, '0'))::uuid, gen_random_uuid(),
      'EUR', 'c', 'cr', 'p' FROM generate_series(1, ${sql.lit(count)}) AS n`.execute(db);
}

async function countEvents(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM events`.execute(db);
  return Number(rows[0]?.n);
}

async function checksOnDefault(db: DatabaseExecutor): Promise<number> {
  const { rows } = await sql`
    SELECT 1 FROM pg_constraint WHERE conrelid = 'events_default'::regclass AND contype = 'c'`.execute(
    db,
  );
  return rows.length;
}

test('a day is the first 48 bits of a UUID as milliseconds, in UTC', () => {
  const day = eventDay(NOW);
  expect(day).toMatchObject({ label: '20260131', fromId: '019c1159-7000-0000-0000-000000000000' });
  expect(day.toId > idAt(day.endMs - 1, 0xffff)).toBe(true);
  expect(eventDays(NOW, NOW + DAY).map((d) => d.label)).toEqual(['20260131', '20260201']);
});

test('days are made once, and a row lies in the partition of its id', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  expect(await ensureDayPartitions(db, window)).toEqual({
    ran: true,
    created: DAYS,
    movedRows: 0,
    postponed: [],
    failed: [],
  });
  expect((await ensureDayPartitions(db, window)).created).toEqual([]);
  expect(await tableOf(db, await insertAt(db, NOW, 1))).toBe('events_20260131');
  expect(await tableOf(db, await insertAt(db, eventDay(NOW).endMs - 1, 2))).toBe('events_20260131');
  expect(await tableOf(db, await insertAt(db, eventDay(NOW).endMs, 3))).toBe('events_20260201');
  expect(await tableOf(db, await insertAt(db, NOW + 9 * DAY, 4))).toBe('events_default');
  expect(await checksOnDefault(db)).toBe(0);
});

test('I5: rows that a day has in the default partition are moved along, and their keys stay unique', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await insertAt(db, NOW, 1);
  await insertAt(db, NOW + 9 * DAY, 2);
  expect(await ensureDayPartitions(db, window)).toMatchObject({ created: DAYS, movedRows: 1 });
  expect(await tableOf(db, idAt(NOW, 1))).toBe('events_20260131');
  expect(await tableOf(db, idAt(NOW + 9 * DAY, 2))).toBe('events_default');
  await expect(insertAt(db, NOW, 1)).rejects.toMatchObject({ code: '23505' });
  expect(await tableOf(db, await insertAt(db, NOW, 3))).toBe('events_20260131');
});

test("ids from 2100 on are of no day and in nobody's way", async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const first = Date.UTC(2100, 0, 1);
  expect(await tableOf(db, await insertAt(db, first - 1, 1))).toBe('events_default');
  expect(await tableOf(db, await insertAt(db, first, 2))).toBe('events_beyond');
});

test('an older day gets a partition once it is crowded', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const [crowded, lonely] = [NOW - 40 * DAY, NOW - 50 * DAY];
  await insertMany(db, crowded, 10_000);
  await insertMany(db, lonely, 9_999);
  const label = eventDay(crowded).label;
  expect(await ensureDayPartitions(db, window)).toMatchObject({
    created: [label, ...DAYS],
    movedRows: 10_000,
  });
  expect(await ensureDayPartitions(db, window)).toMatchObject({ created: [], movedRows: 0 });
});

test('days below the retention horizon are not made again', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await db
    .updateTable('write_guards')
    .set({ horizon_ms: BigInt(eventDay(NOW).startMs) })
    .execute();
  expect((await ensureDayPartitions(db, window)).created).toEqual(['20260131', '20260201']);
});

test('a second runner returns at once', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await db.connection().execute(async (other) => {
    await sql`SELECT pg_advisory_lock(4701, 3)`.execute(other);
    expect(await ensureDayPartitions(db, window)).toMatchObject({ ran: false, created: [] });
    await sql`SELECT pg_advisory_unlock(4701, 3)`.execute(other);
  });
  expect((await ensureDayPartitions(db, window)).created).toEqual(DAYS);
});

const day = eventDay(NOW);
const build = `SELECT build_event_day('${day.label}')`;
const copySome = `SELECT copy_event_day('${day.label}', 2)`;
const copyAll = `SELECT copy_event_day('${day.label}', 1000)`;
const move = `SELECT move_event_day('${day.label}')`;
const oldCheck = `ALTER TABLE events_default ADD CONSTRAINT events_default_excludes_${day.label}
  CHECK (impression_id < '${day.fromId}' OR impression_id >= '${day.toId}') NOT VALID`;

// What a kill leaves after each step, its last transaction not committed; the next run must end with the same.
test.each([
  ['building the table', [build], ''],
  ['building it, not committed', [], build],
  ['a copy of some rows', [build, copySome], ''],
  ['a copy of some, not committed', [build, copySome], copySome],
  ['a copy of all rows', [build, copyAll], ''],
  ['moving, not committed', [build, copyAll], move],
  ['the check of an older build', [build, oldCheck], ''],
])('a maker killed after %s leaves what the next run clears away', async (_step, done, undone) => {
  await using database = await migratedDatabase();
  const { db } = database;
  for (let n = 0; n < 5; n += 1) await insertAt(db, NOW, n);
  const killed = openDatabase(database.url, { applicationName: 'killed', maxConnections: 1 });
  const late = undone === build ? 0 : 1;
  await killed.connection().execute(async (maker) => {
    for (const statement of done) await sql.raw(statement).execute(maker);
    if (late === 1 && !done.includes(oldCheck)) await insertAt(db, NOW, 5);
    await sql`BEGIN`.execute(maker);
    if (undone !== '') await sql.raw(undone).execute(maker);
    const { rows } = await sql<{ pid: number }>`SELECT pg_backend_pid() AS pid`.execute(maker);
    await sql`SELECT pg_terminate_backend(${rows[0]?.pid}, 5000)`.execute(db);
  });
  await killed.destroy();
  const before = await countEvents(db);
  expect(await ensureDayPartitions(db, window)).toMatchObject({
    created: DAYS,
    movedRows: before,
    failed: [],
  });
  expect(await countEvents(db)).toBe(before);
  expect(await checksOnDefault(db)).toBe(0);
  expect(await tableOf(db, idAt(NOW, 0))).toBe('events_20260131');
});

test('a detached table with rows is never dropped; the other days are made', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await ensureDayPartitions(db, window);
  await insertAt(db, NOW, 1);
  await sql`ALTER TABLE events DETACH PARTITION events_20260131`.execute(db);
  const wider = { ...window, hoursAhead: 48 };
  expect(await ensureDayPartitions(db, wider)).toMatchObject({
    created: ['20260202'],
    failed: [{ label: '20260131', reason: 'relation "events_20260131" already exists' }],
  });
  const { rows } = await sql`SELECT 1 FROM events_20260131`.execute(db);
  expect(rows).toHaveLength(1);
});

test('a stranger that holds the default partition postpones the days and blocks no writer for long', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const quick = { ...window, lockTimeoutMs: 20, attempts: 2 };
  await db.transaction().execute(async (stranger) => {
    await sql`LOCK TABLE events_default IN ROW EXCLUSIVE MODE`.execute(stranger);
    expect(await ensureDayPartitions(db, quick)).toMatchObject({ created: [], postponed: DAYS });
    await insertAt(db, NOW + 9 * DAY, 1);
  });
  expect((await ensureDayPartitions(db, window)).created).toEqual(DAYS);
});
