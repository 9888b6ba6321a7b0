import {
  claimToFrontier,
  COHORT_MS,
  DEFAULT_DEFINITION,
  ensureSomeVersion,
  foldNext,
  raiseFrontier,
  takeNextBase,
} from '@adtally/analytics';
import { type Database, ensureDayPartitions } from '@adtally/db';
import type { Client } from 'pg';
import { makeSources } from '../rollup/fill.ts';

export const DAY_MS = 86_400_000;
const HOURS = 24;
const LATE_WINDOW_DAYS = 8;
/** By one statement, since most of them are nearly empty. */
const DAYS_TOGETHER = 10;
const BASE_ROWS = 50_000;
const BASES_CLAIMED = 100;
/** Of the impressions, which have a click or a conversion, as of 16 % and 4 % of all events. */
const CLICK_EVERY = 5;
const CONVERSION_EVERY = 20;

/** Days of which all is stored: of each campaign so many impressions a day. */
export interface StoredDays {
  readonly campaigns: number;
  /** Midnight of UTC. */
  readonly firstDayMs: number;
  readonly days: number;
  readonly impressions: number;
  /** Of it every campaign has impressions in every hour: as full as its rows can be. */
  readonly fullDay: number;
  /** Of it the first campaign has such in every hour: from this day on, so many. */
  readonly fullMonth: { readonly firstDay: number; readonly days: number };
}

/**
 * Stores the events day after day, sums each day up as the worker does and folds what is older than the late window.
 *
 * @returns how many events there are
 */
export async function fillDays(
  client: Client,
  db: Database,
  stored: StoredDays,
  say: (text: string) => void,
): Promise<number> {
  await makeSources(client);
  await ensureSomeVersion(db);
  // As many partitions as operation would have made: each report's plan looks at them.
  await ensureDayPartitions(db, { now: Date.now(), daysBehind: stored.days + 1 });
  let events = 0;
  for (let first = 0; first < stored.days; first += DAYS_TOGETHER) {
    const end = Math.min(first + DAYS_TOGETHER, stored.days);
    events += await storeDays(client, stored, first, end);
    if (first === 0) await client.query('ANALYZE events');
    const endMs = stored.firstDayMs + end * DAY_MS;
    await sumUp(db, endMs);
    await fold(db, endMs - LATE_WINDOW_DAYS * DAY_MS);
    say(`day ${end} of ${stored.days}`);
  }
  await fold(db, stored.firstDayMs + stored.days * DAY_MS);
  await client.query('VACUUM ANALYZE');
  return events;
}

async function storeDays(
  client: Client,
  stored: StoredDays,
  first: number,
  end: number,
): Promise<number> {
  const { campaigns, firstDayMs, impressions, fullDay, fullMonth } = stored;
  const everyHour = HOURS * Math.ceil(impressions / HOURS);
  const { rowCount } = await client.query(
    `INSERT INTO events (impression_id, event_key, event_type, occurred_at, amount_micros, source_offset, source_id,
                         currency, campaign_id, creative_id, placement_id)
     SELECT (lpad(to_hex(ms), 12, '0') || '70008' || substr(text, 1, 15))::uuid,
            (substr(text, 1, 24) || lpad(to_hex(type_number), 8, '0'))::uuid, type, to_timestamp(ms / 1000.0) + delay,
            1000 + n, row_number() OVER (), 1 + campaign % 12, 'EUR', 'cmp-' || campaign,
            'cr-' || campaign || '-' || n % 5, 'pl-' || (campaign * 31 + n) % 600
     FROM generate_series($1::int, $2::int - 1) day
     CROSS JOIN generate_series(0, $3::int - 1) campaign
     CROSS JOIN LATERAL (
       SELECT CASE WHEN day = $4::int OR campaign = 0 AND day >= $5::int AND day < $6::int THEN $7::int
              ELSE $8::int END AS impressions
     ) of_campaign
     CROSS JOIN LATERAL generate_series(0, impressions - 1) n
     CROSS JOIN LATERAL (
       SELECT $9::bigint + day * ${DAY_MS}::bigint
         + (n * ${DAY_MS}::bigint + campaign * ${DAY_MS}::bigint / $3::int) / impressions AS ms,
         md5(day || ' ' || campaign || ' ' || n) AS text OFFSET 0
     ) born
     CROSS JOIN LATERAL (
       SELECT 1 AS type_number, 'impression'::event_type AS type, interval '0' AS delay
       UNION ALL SELECT 2, 'click', interval '30 seconds' WHERE (campaign + n + day) % ${CLICK_EVERY} = 0
       UNION ALL SELECT 3, 'conversion', (campaign * 7919 + n * 31) % 168 * interval '1 hour'
         WHERE (campaign + n + day) % ${CONVERSION_EVERY} = 0
     ) event
     ORDER BY day, ms`,
    [
      first,
      end,
      campaigns,
      fullDay,
      fullMonth.firstDay,
      fullMonth.firstDay + fullMonth.days,
      everyHour,
      impressions,
      firstDayMs,
    ],
  );
  return rowCount ?? 0;
}

async function sumUp(db: Database, toMs: number): Promise<void> {
  const { version } = DEFAULT_DEFINITION;
  const frontierMs = await raiseFrontier(db, Math.floor(toMs / COHORT_MS) * COHORT_MS);
  const size = { maxBases: BASES_CLAIMED, baseRows: BASE_ROWS };
  while ((await claimToFrontier(db, version, frontierMs, size)) === size.maxBases);
  while ((await takeNextBase(db, DEFAULT_DEFINITION, 'untaken')) !== null);
}

async function fold(db: Database, beforeMs: number): Promise<void> {
  const options = { beforeMs, unitEvents: 2_000_000n, stepEvents: 200_000n };
  while ((await foldNext(db, DEFAULT_DEFINITION, options)) !== null);
}
