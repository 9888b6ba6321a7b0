import { signal } from '@adtally/testkit';
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
    keptInDefault: [],
    postponed: [],
  });
  expect((await ensureDayPartitions(db, window)).created).toEqual([]);
  expect(await tableOf(db, await insertAt(db, NOW, 1))).toBe('events_20260131');
  expect(await tableOf(db, await insertAt(db, eventDay(NOW).endMs - 1, 2))).toBe('events_20260131');
  expect(await tableOf(db, await insertAt(db, eventDay(NOW).endMs, 3))).toBe('events_20260201');
  expect(await tableOf(db, await insertAt(db, NOW + 9 * DAY, 4))).toBe('events_default');
  expect(await checksOnDefault(db)).toBe(0);
});

test('I5: a day with rows in the default partition stays there, and its keys stay unique', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await insertAt(db, NOW, 1);
  const result = await ensureDayPartitions(db, window);
  expect(result).toMatchObject({ created: ['20260130', '20260201'], keptInDefault: ['20260131'] });
  await expect(insertAt(db, NOW, 1)).rejects.toMatchObject({ code: '23505' });
  expect(await tableOf(db, await insertAt(db, NOW, 2))).toBe('events_default');
  expect(await checksOnDefault(db)).toBe(0);
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

// What a kill leaves after each step; the next run must end with the same partitions.
const day = eventDay(NOW);
const build = `CREATE TABLE ${day.table} (LIKE events INCLUDING ALL)`;
const exclude = `ALTER TABLE events_default ADD CONSTRAINT ${day.excludes}
  CHECK (impression_id < '${day.fromId}' OR impression_id >= '${day.toId}') NOT VALID`;
const validate = `ALTER TABLE events_default VALIDATE CONSTRAINT ${day.excludes}`;

test.each([
  ['the standalone table', [build]],
  ['the check', [build, exclude]],
  ['the validation', [build, exclude, validate]],
])('a run killed after %s is cleared away by the next one', async (_step, statements) => {
  await using database = await migratedDatabase();
  const { db } = database;
  for (const statement of statements) await sql.raw(statement).execute(db);
  expect((await ensureDayPartitions(db, window)).created).toEqual(DAYS);
  expect(await checksOnDefault(db)).toBe(0);
  expect(await tableOf(db, await insertAt(db, NOW, 1))).toBe('events_20260131');
});

test('a detached table with rows is never dropped', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await ensureDayPartitions(db, window);
  await insertAt(db, NOW, 1);
  await sql`ALTER TABLE events DETACH PARTITION events_20260131`.execute(db);
  await expect(ensureDayPartitions(db, window)).rejects.toThrow('holds rows');
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

test('attaching a day does not scan the default partition under its lock', async () => {
  await using database = await migratedDatabase();
  const url = new URL(database.url);
  url.searchParams.set('options', '-c client_min_messages=debug1');
  const notices: string[] = [];
  const db = openDatabase(url.href, {
    applicationName: 'adtally-db-test',
    onNotice: (message) => notices.push(message),
  });
  await ensureDayPartitions(db, { ...window, daysBehind: 0, hoursAhead: 0 });
  await db.destroy();
  expect(notices).toContainEqual(
    expect.stringMatching(/default partition "events_default" is implied by existing constraints/),
  );
});

test('concurrent inserts survive: each is stored once, and all that fails is named transient', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const done = signal();
  const started = signal();
  const writer = async (lane: number): Promise<number> => {
    let written = 0;
    while (!done.hasFired) {
      const n = lane * 1_000_000 + written;
      const ms = [NOW + DAY, NOW + 9 * DAY][n % 2] as number;
      try {
        await insertAt(db, ms, n);
        written += 1;
        started.fire();
      } catch (error) {
        const { code, constraint } = error as { code?: string; constraint?: string };
        const transient =
          code === '23514' && (constraint?.startsWith('events_default_excludes_') ?? true);
        if (!transient) throw error;
      }
    }
    return written;
  };
  const writers = [writer(1), writer(2)];
  await started.fired;
  // Tomorrow has rows in default by now and stays there; the days around it are made meanwhile.
  const result = await ensureDayPartitions(db, { now: NOW, daysBehind: 20, hoursAhead: 24 });
  done.fire();
  const written = (await Promise.all(writers)).reduce((sum, count) => sum + count, 0);
  expect(result.created).toHaveLength(21);
  expect(result.keptInDefault).toEqual(['20260201']);
  const { rows } = await sql<{ n: bigint }>`SELECT count(*) AS n FROM events`.execute(db);
  expect(Number(rows[0]?.n)).toBe(written);
});

test('inserts into the very day being attached end in its partition or in default, none lost', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  const done = signal();
  const writer = async (): Promise<number> => {
    let written = 0;
    while (!done.hasFired) {
      try {
        // A new day every insert: the maker meets the writer at every step of some day.
        await insertAt(db, NOW - (written % 60) * DAY, written);
        written += 1;
      } catch (error) {
        if ((error as { code?: string }).code !== '23514') throw error;
      }
    }
    return written;
  };
  const writing = writer();
  const result = await ensureDayPartitions(db, { now: NOW, daysBehind: 59, hoursAhead: 0 });
  done.fire();
  const written = await writing;
  expect(result.created.length + result.keptInDefault.length).toBe(60);
  const { rows } = await sql<{ n: bigint }>`SELECT count(*) AS n FROM events`.execute(db);
  expect(Number(rows[0]?.n)).toBe(written);
  expect(await checksOnDefault(db)).toBe(0);
});
