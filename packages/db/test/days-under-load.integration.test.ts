import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase, type Database, type DatabaseExecutor } from '../src/database.ts';
import { eventDay, eventDays } from '../src/event-days.ts';
import { ensureDayPartitions } from '../src/partitions.ts';
import { migratedDatabase } from '../testing/migrated-database.ts';
import { idAt } from './event-rows.ts';

const NOW = Date.parse('2026-01-31T13:00:00Z');
const DAY_MS = 86_400_000;
const WANTED = { now: NOW, daysBehind: 10, hoursAhead: 20 * 24 };
const DAYS = eventDays(NOW - 10 * DAY_MS, NOW + 20 * DAY_MS);
const STRAYS = 4_000;
const WRITERS = 3;
const KILLS_MAX = 20;

/** A UUIDv4 whose first bits lie in one of the days, by chance. */
function stray(): string {
  const random = randomUUID();
  const ms = (DAYS[0] as { startMs: number }).startMs + Math.random() * DAYS.length * DAY_MS;
  return `${idAt(Math.floor(ms), 0).slice(0, 14)}${random.slice(14)}`;
}

/**
 * One commit: rows that are new, rows that are there already, and how many were stored, told as the ledger tells it.
 * Any error is the test's.
 */
async function commit(db: Database, ids: readonly string[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    const { rows } = await sql`
      INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id,
        event_key, currency, campaign_id, creative_id, placement_id)
      SELECT now(), 1, 1, 1, 'impression', id, id, 'EUR', 'c', 'cr', 'p' FROM unnest(${ids}::uuid[]) AS id
      ORDER BY id ON CONFLICT (impression_id, event_key) DO NOTHING RETURNING 1`.execute(trx);
    await sql`INSERT INTO told VALUES (${rows.length})`.execute(trx);
  });
}

/** What is stored and what was told, in one snapshot; as the audit takes it, or as one statement. */
async function look(db: Database, isAudit: boolean): Promise<[stored: number, told: number]> {
  const ask = async (trx: DatabaseExecutor): Promise<[number, number]> => {
    const { rows } = await sql<{ stored: number; told: number }>`
      SELECT (SELECT count(*)::int FROM events) AS stored,
             (SELECT coalesce(sum(rows), 0)::int FROM told) AS told`.execute(trx);
    const [found] = rows as [{ stored: number; told: number }];
    return [found.stored, found.told];
  };
  if (!isAudit) return await ask(db);
  return await db
    .transaction()
    .setIsolationLevel('repeatable read')
    .execute(async (trx) => {
      await sql`LOCK TABLE events IN ACCESS SHARE MODE`.execute(trx);
      const first = await ask(trx);
      await sleep(5);
      // The same snapshot later on.
      expect(await ask(trx)).toEqual(first);
      return first;
    });
}

test('every day is made while strays and its events are written, whoever is killed, and all is exact at each moment', async () => {
  await using database = await migratedDatabase();
  const { db } = database;
  await sql`CREATE TABLE told (rows int)`.execute(db);
  const strays = Array.from({ length: STRAYS }, stray);
  await commit(db, [...strays, ...Array.from({ length: 1_000 }, () => randomUUID())]);
  const before = await sql<{ days: number }>`
    SELECT count(DISTINCT left(impression_id::text, 9))::int AS days FROM events_default`.execute(
    db,
  );
  expect(before.rows[0]?.days).toBeGreaterThan(DAYS.length);

  const done = new AbortController();
  let commits = 0;
  const writer = async (lane: number): Promise<void> => {
    const ownDb = openDatabase(database.url, { applicationName: 'writer', maxConnections: 1 });
    const own: string[] = [];
    for (let n = 0; !done.signal.aborted; n += 1) {
      const day = DAYS[n % DAYS.length] as { startMs: number };
      const id = idAt(day.startMs + n * 1_000, lane);
      const again = [strays[(n * 7) % STRAYS] as string, own[(n * 13) % (own.length || 1)] ?? id];
      const added = stray();
      await commit(ownDb, [...new Set([id, added, ...again])]);
      own.push(id, added);
      commits += 1;
      await sleep(2);
    }
    await ownDb.destroy();
  };
  const auditor = async (): Promise<number> => {
    let looks = 0;
    for (; !done.signal.aborted; looks += 1) {
      const [stored, told] = await look(db, looks % 2 === 0);
      expect(stored).toBe(told);
      await sleep(20);
    }
    return looks;
  };
  let kills = 0;
  const killer = async (): Promise<void> => {
    // Bounded: on a busy machine a maker that is killed as often would never get to the end of a day.
    while (!done.signal.aborted && kills < KILLS_MAX) {
      await sleep(20 + Math.random() * 120);
      const { rows } = await sql<{ killed: boolean }>`
        SELECT pg_terminate_backend(pid) AS killed FROM pg_stat_activity
        WHERE application_name = 'maker' AND datname = current_database()`.execute(db);
      kills += rows.filter(({ killed }) => killed).length;
    }
  };
  const maker = async (): Promise<void> => {
    const made = new Set<string>();
    for (let run = 0; made.size < DAYS.length; run += 1) {
      if (run > 500) throw new Error(`after ${run} runs only ${made.size} days are made`);
      const ownDb = openDatabase(database.url, { applicationName: 'maker', maxConnections: 1 });
      const result = await ensureDayPartitions(ownDb, WANTED).catch(() => null);
      await ownDb.destroy();
      expect(result?.failed ?? []).toEqual([]);
      const { rows } = await sql<{ name: string }>`
        SELECT inhrelid::regclass::text AS name FROM pg_inherits
        WHERE inhparent = 'events'::regclass`.execute(db);
      for (const { name } of rows) if (/^events_\d{8}$/.test(name)) made.add(name);
    }
    done.abort();
  };
  const beside = [...Array.from({ length: WRITERS }, (_, lane) => writer(lane)), killer()];
  try {
    const [looks] = await Promise.all([auditor(), maker(), ...beside]);
    expect(looks).toBeGreaterThan(3);
  } finally {
    done.abort();
    await Promise.allSettled(beside);
  }
  expect(kills).toBeGreaterThan(1);
  expect(commits).toBeGreaterThan(DAYS.length);

  const [stored, told] = await look(db, true);
  expect(stored).toBe(told);
  const { rows } = await sql<{ keys: number; inDefault: number }>`
    SELECT count(DISTINCT (impression_id, event_key))::int AS keys,
      (SELECT count(*)::int FROM events_default
       WHERE impression_id >= ${DAYS[0]?.fromId} AND impression_id < ${DAYS.at(-1)?.toId}) AS "inDefault"
    FROM events`.execute(db);
  expect(rows).toEqual([{ keys: stored, inDefault: 0 }]);
  const home = await sql<{ name: string }>`
    SELECT tableoid::regclass::text AS name FROM events WHERE impression_id = ${strays[0]}`.execute(
    db,
  );
  const ms = Number.parseInt((strays[0] as string).replace('-', '').slice(0, 12), 16);
  expect(home.rows).toEqual([{ name: eventDay(ms).table }]);
});
