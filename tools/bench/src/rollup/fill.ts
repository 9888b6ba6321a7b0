import type { Client } from 'pg';

/** The traffic the bench pretends: 50,000 events a second, of which so many are not impressions. */
export const EVENTS_PER_SECOND = 50_000;
const CLICK_SHARE = 0.16;
const CONVERSION_SHARE = 0.04;
const IMPRESSION_SHARE = 1 - CLICK_SHARE - CONVERSION_SHARE;
const CLICK_MEDIAN_SECONDS = 30;
const CONVERSION_SPREAD = '7 days';
const SOURCES = 12;
/** Source offsets of on-time events end here; those of late ones begin. */
export const LATE_FROM = 1_000_000_000;
const NOTE_IMPRESSIONS = 400;

/** A stretch of traffic whose impressions are born from `startMs` on. */
export interface Traffic {
  readonly startMs: number;
  readonly events: number;
  /** After that, an event is late for its cohort. */
  readonly settleMs: number;
}

/** When the last impression is born. */
export function endMs({ startMs, events }: Traffic): number {
  return startMs + Math.ceil((events / EVENTS_PER_SECOND) * 1_000);
}

/** Registers sources whose cursors lie past every on-time event. */
export async function makeSources(client: Client): Promise<void> {
  await client.query(`
    WITH made AS (INSERT INTO sources (kind, topic, topic_id, partition)
                  SELECT 'events', 'bench', 'bench', n FROM generate_series(0, ${SOURCES - 1}) n RETURNING source_id),
         ends AS (INSERT INTO ledger (source_id, end_offset, epoch)
                  SELECT source_id, ${LATE_FROM}, 0 FROM made RETURNING source_id, end_offset)
    INSERT INTO cursors (source_id, next_offset) SELECT source_id, end_offset FROM ends`);
}

/**
 * Draws the traffic into a table of its own, then stores the events that are on time. Click delays are
 * log-normal with a median of 30 s, conversions spread evenly over 7 days. Returns how many are on time.
 */
export async function storeOnTime(client: Client, traffic: Traffic): Promise<number> {
  const { startMs, events, settleMs } = traffic;
  const impressions = Math.round(events * IMPRESSION_SHARE);
  const stepMs = (endMs(traffic) - startMs) / impressions;
  await client.query(`SELECT setseed(0.5)`);
  await client.query(`
    CREATE UNLOGGED TABLE drawn AS
    SELECT (lpad(to_hex(ms), 12, '0') || '70008' || substr(md5(i::text), 1, 15))::uuid AS impression_id,
           md5(i || ' ' || kind)::uuid AS event_key, kind,
           to_timestamp(ms / 1000.0) + delay AS occurred_at, i, campaign,
           kind <> 1 AND extract(epoch FROM delay) * 1000 > ${settleMs} + 5000 AS is_late
    FROM (
      SELECT i, ${startMs}::bigint + (i * ${stepMs}::float8)::bigint AS ms, (power(random(), 2) * 240)::int AS campaign
      FROM generate_series(0, ${impressions - 1}::bigint) i
    ) impression
    CROSS JOIN LATERAL (
      SELECT 1 AS kind, interval '0' AS delay
      UNION ALL
      SELECT 2, make_interval(secs => ${CLICK_MEDIAN_SECONDS} * exp(sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())))
      WHERE i % ${Math.round(IMPRESSION_SHARE / CLICK_SHARE)} = 0
      UNION ALL
      SELECT 3, random() * interval '${CONVERSION_SPREAD}' WHERE i % ${Math.round(IMPRESSION_SHARE / CONVERSION_SHARE)} = 0
    ) event`);
  return await store(client, 'NOT is_late', 'i');
}

/** Stores the late events and notes their impressions, 400 a note, as ingest would. */
export async function storeLate(client: Client): Promise<number> {
  await client.query(`ALTER TABLE drawn ADD COLUMN arrival bigint GENERATED ALWAYS AS IDENTITY`);
  const late = await store(client, 'is_late', `${LATE_FROM} + arrival`);
  await client.query(`
    INSERT INTO late_notes (source_ids, first_offsets, end_offsets, impressions, impression_ids)
    SELECT array_agg(DISTINCT source_id), array_fill(min(source_offset), ARRAY[count(DISTINCT source_id)::int]),
           array_fill(max(source_offset) + 1, ARRAY[count(DISTINCT source_id)::int]),
           count(*), array_agg(impression_id)
    FROM (SELECT *, ntile(${Math.max(1, Math.round(late / NOTE_IMPRESSIONS))}) OVER (ORDER BY source_offset) AS note
          FROM events WHERE source_offset >= ${LATE_FROM}) late
    GROUP BY note ORDER BY note`);
  await client.query('DROP TABLE drawn');
  return late;
}

async function store(client: Client, condition: string, offset: string): Promise<number> {
  const { rowCount } = await client.query(`
    INSERT INTO events (impression_id, event_key, event_type, occurred_at, amount_micros, source_offset,
                        source_id, currency, campaign_id, creative_id, placement_id)
    SELECT impression_id, event_key, (ARRAY['impression', 'click', 'conversion']::event_type[])[kind],
           occurred_at, 1000 + i % 500, ${offset}, 1 + i % ${SOURCES}, 'EUR', 'cmp-' || campaign,
           'cr-' || campaign || '-' || i % 5, 'pl-' || (power((i * 7919 % 600) / 600.0, 2) * 600)::int
    FROM drawn WHERE ${condition} ORDER BY i`);
  return rowCount ?? 0;
}
