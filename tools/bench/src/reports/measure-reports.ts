import { loadavg } from 'node:os';
import { DEFAULT_DEFINITION, periodOf, readReport, type Report, ROLLUPS } from '@adtally/analytics';
import { openDatabase, type Database } from '@adtally/db';
import { Client } from 'pg';
import { withFreshDatabase } from '../bench-database.ts';
import type { Servers } from '../servers.ts';
import { DAY_MS, fillDays, type StoredDays } from './fill-days.ts';

/** One question that is asked again and again. */
export interface Asked {
  /** Each time, milliseconds. */
  readonly tookMs: readonly number[];
  /** Of the rollup, by hour, that its figures are the sums of. */
  readonly rows: number;
}

/** What reports cost and the rollups need. Bytes. */
export interface ReportFigures {
  readonly days: number;
  readonly events: number;
  readonly fillSeconds: number;
  /** Of the machine over the last minute, before and after reports were read. */
  readonly load: readonly [before: number, after: number];
  /** One campaign's month by day, of which every hour has rows; then by the view. */
  readonly month: Asked;
  readonly monthView: Asked;
  /** All campaigns' day, of which every hour of each has rows; then by the view. */
  readonly day: Asked;
  readonly dayView: Asked;
  /** All campaigns' day of those that were filled with few impressions. */
  readonly otherDay: Asked;
  /** Of the full day, but in a zone whose days do not begin with those of UTC. */
  readonly zoneDay: Asked;
  /** All three rollups, with their indexes and sums by day. */
  readonly rollupRows: number;
  readonly rollupBytes: number;
  readonly dayRows: number;
  readonly dayBytes: number;
  /** Reports are what plain sums over the events come to, views say the same, and every event is in every rollup once. */
  readonly isExact: boolean;
}

const APPLICATION = 'adtally-bench-reports';
const DAYS_PER_MONTH = 30;
const REPEATED = 21;
const ZONE = 'Europe/Berlin';
const TABLES = Object.values(ROLLUPS);

/** Fills a database of its own with so many months and reads reports of it. */
export async function measureReports(
  servers: Servers,
  asked: { readonly campaigns: number; readonly months: number; readonly impressions: number },
  say: (text: string) => void,
): Promise<ReportFigures> {
  return await withFreshDatabase(servers, 'reports', async (url) => {
    const client = new Client({ connectionString: url });
    await client.connect();
    // Nothing here is about power loss, and what is read afterwards lies on disk all the same.
    await client.query(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database()); END $$`,
    );
    await client.query('SET synchronous_commit = off');
    const db = openDatabase(url, {
      applicationName: APPLICATION,
      maxConnections: 1,
      statementTimeoutMs: 0,
    });
    try {
      const days = asked.months * DAYS_PER_MONTH;
      const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
      const firstDay = Math.floor((days - DAYS_PER_MONTH) / 2);
      const stored: StoredDays = {
        ...asked,
        days,
        firstDayMs: today - days * DAY_MS,
        fullDay: firstDay + Math.floor(DAYS_PER_MONTH / 2),
        fullMonth: { firstDay, days: DAYS_PER_MONTH },
      };
      return await measure(client, db, stored, say);
    } finally {
      await db.destroy();
      await client.end();
    }
  });
}

async function measure(
  client: Client,
  db: Database,
  stored: StoredDays,
  say: (text: string) => void,
): Promise<ReportFigures> {
  const startedMs = performance.now();
  const events = await fillDays(client, db, stored, say);
  const fillSeconds = (performance.now() - startedMs) / 1000;
  say('reading reports');
  const loadBefore = loadavg()[0] ?? 0;
  const dayOf = (day: number) =>
    new Date(stored.firstDayMs + day * DAY_MS).toISOString().slice(0, 10);
  const { firstDay, days } = stored.fullMonth;
  const monthly = {
    period: periodOf({ from: dayOf(firstDay), to: dayOf(firstDay + days), timeZone: 'UTC' }),
    campaignId: 'cmp-0',
    by: 'day',
  } as const;
  const daily = (at: number, timeZone = 'UTC') =>
    ({
      period: periodOf({ from: dayOf(at), to: dayOf(at + 1), timeZone }),
      by: 'campaign',
    }) as const;
  const month = await reported(client, db, monthly);
  const monthView = await viewed(client, monthly, month);
  const day = await reported(client, db, daily(stored.fullDay));
  const dayView = await viewed(client, daily(stored.fullDay), day);
  const otherDay = await reported(client, db, daily(stored.fullDay + 1));
  const zoneDay = await reported(client, db, daily(stored.fullDay, ZONE));
  const all = [month, monthView, day, dayView, otherDay, zoneDay];
  const hours = await sizes(client, 'rollup_by');
  const byDay = await sizes(client, 'rollup_days_by');
  return {
    days: stored.days,
    events,
    fillSeconds,
    load: [loadBefore, loadavg()[0] ?? 0],
    month,
    monthView,
    day,
    dayView,
    otherDay,
    zoneDay,
    rollupRows: hours.rows,
    rollupBytes: hours.bytes + byDay.bytes,
    dayRows: byDay.rows,
    dayBytes: byDay.bytes,
    isExact: all.every((one) => one.isExact) && (await countsAll(client, events)),
  };
}

type ReportAsked = Parameters<typeof readReport>[1];

interface Checked extends Asked {
  readonly isExact: boolean;
  readonly impressions: bigint;
}

/** As `ops report` reads it. */
async function reported(client: Client, db: Database, asked: ReportAsked): Promise<Checked> {
  const { report, tookMs } = await timed(() => readReport(db, asked));
  const span: Span = [asked.period.fromMs, asked.period.toMs, asked.campaignId ?? null];
  return {
    tookMs,
    rows: await rowsIn(client, span),
    isExact: await isExact(client, report, span),
    impressions: report.counts.reduce((sum, { counts }) => sum + counts.impressions, 0n),
  };
}

/** As people and their tools ask the view: all its columns. */
async function viewed(client: Client, asked: ReportAsked, same: Checked): Promise<Checked> {
  const { fromMs, toMs } = asked.period;
  const dayOf = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  const isOfCampaign = asked.campaignId === undefined ? '' : 'AND campaign_id = $3';
  const { report, tookMs } = await timed(() =>
    client.query<{ impressions: string }>(
      `SELECT * FROM report_campaign_daily WHERE day >= $1::date AND day < $2::date ${isOfCampaign}`,
      [dayOf(fromMs), dayOf(toMs), ...(asked.campaignId === undefined ? [] : [asked.campaignId])],
    ),
  );
  const impressions = report.rows.reduce((sum, row) => sum + BigInt(row.impressions), 0n);
  return { tookMs, rows: same.rows, isExact: impressions === same.impressions, impressions };
}

async function timed<T>(
  read: () => Promise<T>,
): Promise<{ readonly report: T; readonly tookMs: readonly number[] }> {
  const report = await read();
  const tookMs: number[] = [];
  for (let time = 0; time < REPEATED; time += 1) {
    const startedMs = performance.now();
    await read();
    tookMs.push(performance.now() - startedMs);
  }
  return { report, tookMs };
}

type Span = readonly [fromMs: number, toMs: number, campaignId: string | null];
const IN_SPAN = (moment: string) => `${moment} >= to_timestamp($1::float8 / 1000)
  AND ${moment} < to_timestamp($2::float8 / 1000) AND ($3::text IS NULL OR campaign_id = $3)`;

async function rowsIn(client: Client, span: Span): Promise<number> {
  const { rows } = await client.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM rollup_by_campaign WHERE ${IN_SPAN('hour')}`,
    [...span],
  );
  return rows[0]?.n ?? 0;
}

/** Every event here counts for its own campaign. */
async function isExact(client: Client, report: Report, span: Span): Promise<boolean> {
  const { rows } = await client.query<{
    impressions: string;
    clicks: string;
    conversions: string;
    micros: string;
  }>(
    `SELECT count(*) FILTER (WHERE event_type = 'impression') AS impressions,
            count(*) FILTER (WHERE event_type = 'click') AS clicks,
            count(*) FILTER (WHERE event_type = 'conversion') AS conversions, sum(amount_micros) AS micros
     FROM events WHERE ${IN_SPAN('occurred_at')}`,
    [...span],
  );
  const sum = (values: readonly bigint[]) => String(values.reduce((all, value) => all + value, 0n));
  const found = {
    impressions: sum(report.counts.map(({ counts }) => counts.impressions)),
    clicks: sum(report.counts.map(({ counts }) => counts.clicks)),
    conversions: sum(
      report.counts.map(({ counts }) => counts.click_conversions + counts.view_conversions),
    ),
    micros: sum(
      report.money.map(
        ({ sums }) => sums.spend_micros + sums.click_value_micros + sums.view_value_micros,
      ),
    ),
  };
  return JSON.stringify(rows[0]) === JSON.stringify(found) && found.impressions !== '0';
}

async function countsAll(client: Client, events: number): Promise<boolean> {
  for (const { table } of TABLES) {
    const { rows } = await client.query<{ n: string }>(
      `SELECT sum(impressions + clicks + click_conversions + view_conversions) AS n FROM ${table}
       WHERE version = ${DEFAULT_DEFINITION.version}`,
    );
    if (Number(rows[0]?.n) !== events) return false;
  }
  return true;
}

async function sizes(
  client: Client,
  prefix: 'rollup_by' | 'rollup_days_by',
): Promise<{ readonly rows: number; readonly bytes: number }> {
  const tables = Object.keys(ROLLUPS).map((rollup) => `${prefix}_${rollup}`);
  const sums = (of: (table: string) => string) => tables.map(of).join(' + ');
  const { rows } = await client.query<{ n: string; bytes: string }>(
    `SELECT ${sums((table) => `(SELECT count(*) FROM ${table})`)} AS n,
            ${sums((table) => `pg_total_relation_size('${table}')`)} AS bytes`,
  );
  return { rows: Number(rows[0]?.n), bytes: Number(rows[0]?.bytes) };
}
