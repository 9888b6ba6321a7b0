import { readFile } from 'node:fs/promises';
import {
  type Database,
  type EventDay,
  eventDay,
  openDatabase,
  registerTopic,
  type RetiredDay,
} from '@adtally/db';
import { migratedDatabase } from '@adtally/db/testing';
import { sql } from 'kysely';

/** So many of each day; a hundred times fewer are clicks, conversions, and of them some without a click. */
const EVENTS = 3_000;

/** The day that is archived, and the one behind it, which is not. */
export const DAY: EventDay = eventDay(Date.parse('2026-03-01T00:00:00Z'));
export const DAY_NAME = '2026-03-01';

/** A database with two days of events, of two sources, with every value that is hard to carry. */
export async function countedDays(): Promise<Awaited<ReturnType<typeof migratedDatabase>>> {
  const database = await migratedDatabase();
  const { db } = database;
  await registerTopic(db, {
    kind: 'events',
    topic: 'ad-events',
    topicId: 'archived-topic',
    partitions: 2,
    genesis: () => 0n,
  });
  for (const { startMs } of [DAY, eventDay(DAY.endMs)]) await insertDay(db, startMs);
  return database;
}

async function insertDay(db: Database, startMs: number): Promise<void> {
  await sql`
    WITH sources_of AS (SELECT array_agg(source_id ORDER BY partition) AS ids FROM sources),
    made AS (
      SELECT n, ${sql.lit(startMs)}::bigint + n::bigint * 86400000 / ${EVENTS} AS born_ms,
             md5(${sql.lit(String(startMs))} || ' id ' || n) AS random, md5(${sql.lit(String(startMs))} || ' key ' || n) AS key,
             CASE WHEN n % 100 = 99 THEN 'conversion' WHEN n % 20 = 19 THEN 'click' ELSE 'impression' END AS type
      FROM generate_series(0, ${EVENTS - 1}) n
    )
    INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id, event_key,
                        click_id, currency, campaign_id, creative_id, placement_id, conversion_id)
    SELECT timestamptz 'epoch' + born_ms * interval '1 ms' + (n % 1000) * interval '1 us',
           CASE WHEN n = 7 THEN 9223372036854775807 ELSE n * 1000 END,
           ${sql.lit(startMs)}::bigint % 1000003 + n, ids[1 + n % 2], type::event_type,
           (lpad(to_hex(born_ms), 12, '0') || '7' || substr(random, 1, 3) || 'a' || substr(random, 4, 15))::uuid,
           key::uuid,
           CASE WHEN type = 'click' OR n % 200 = 199 THEN md5('click ' || n)::uuid END,
           CASE WHEN n % 3 = 0 THEN 'USD' ELSE 'EUR' END,
           (ARRAY['c-1', 'c-2', 'tab\tand\nline\r\\N "quoted", ''single''', '\\N', 'Ünïcode 日本 🎯', ' ', 'Z'])[1 + n % 7],
           'cr-' || n % 5, 'home-top',
           CASE WHEN type = 'conversion' THEN CASE WHEN n = 99 THEN '\\N' ELSE 'order\\\t' || n END END
    FROM made, sources_of`.execute(db);
  // An id that is no UUIDv7, though its first bits lie in the day: it stays when the day leaves.
  await sql`
    INSERT INTO events (occurred_at, amount_micros, source_offset, source_id, event_type, impression_id, event_key,
                        currency, campaign_id, creative_id, placement_id)
    SELECT to_timestamp(${sql.lit(startMs)} / 1000.0), 1, 5000000 + ${sql.lit(startMs)}::bigint % 1000003, min(source_id), 'impression',
           (lpad(to_hex(${sql.lit(startMs)}::bigint + 5), 12, '0') || '4aaa8aaaaaaaaaaaaaaa')::uuid, md5(${sql.lit(String(startMs))} || 'v4')::uuid,
           'EUR', 'c-1', 'cr-0', 'home-top'
    FROM sources`.execute(db);
}

/** The day as retention hands it over: what leaves with it was counted. */
export async function retiredDay(databaseUrl: string): Promise<RetiredDay> {
  const db = openDatabase(databaseUrl, { applicationName: 'archive-test' });
  try {
    const { rows: counts } = await sql<RetiredDay['counts'][number]>`
      SELECT source_id AS "sourceId", count(*) AS rows, min(source_offset) AS "firstOffset",
             max(source_offset) + 1 AS "endOffset",
             bit_xor(('x' || encode(substr(uuid_send(event_key), 1, 8), 'hex'))::bit(64)::bigint) AS fingerprint
      FROM events WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId}
        AND rollup_cohort(impression_id) >= 0
      GROUP BY source_id ORDER BY source_id`.execute(db);
    return { day: DAY, counts };
  } finally {
    await db.destroy();
  }
}

/** For archiving that nobody ends. */
export const UNENDING: AbortSignal = new AbortController().signal;

/** For archiving that nobody takes over. */
export const ALONE = async (): Promise<void> => undefined;

/** Every row of the day in full, as text, in one order. */
export async function rowsOfDay(
  db: Database,
  relation: 'events' | 'restored.events',
): Promise<string[]> {
  const { rows } = await sql<{ row: string }>`
    SELECT row(occurred_at, amount_micros, source_offset, source_id, event_type, impression_id, event_key,
               click_id, currency, campaign_id, creative_id, placement_id, conversion_id)::text AS row
    FROM ${sql.table(relation)} WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId}
      AND rollup_cohort(impression_id) >= 0
    ORDER BY impression_id, event_key`.execute(db);
  return rows.map(({ row }) => row);
}

/** As retention does with a day that was kept. */
export async function dropDay(db: Database): Promise<void> {
  await sql`DELETE FROM events WHERE impression_id >= ${DAY.fromId} AND impression_id < ${DAY.toId}
    AND rollup_cohort(impression_id) >= 0`.execute(db);
}

/** Another byte in the middle of a file. */
export function flipped(bytes: Buffer): Buffer {
  const at = Math.floor(bytes.length / 2);
  return Buffer.concat([
    bytes.subarray(0, at),
    Buffer.from([(bytes[at] ?? 0) ^ 1]),
    bytes.subarray(at + 1),
  ]);
}

export async function flippedFile(path: string): Promise<Buffer> {
  return flipped(await readFile(path));
}
