import { DEFAULT_DEFINITION, periodOf, readReport, type Report, ROLLUPS } from '@adtally/analytics';
import { openDatabase, type Database } from '@adtally/db';
import { Client } from 'pg';
import { withFreshDatabase } from '../bench-database.ts';
import type { Servers } from '../servers.ts';
import { median } from '../stats.ts';
import { DAY_MS, fillDays, type StoredDays } from './fill-days.ts';

/** What reports cost and the rollups need. Milliseconds, bytes. */
export interface ReportFigures {
  readonly days: number;
  readonly events: number;
  readonly fillSeconds: number;
  /** One campaign's month by day, of which every hour has rows. */
  readonly monthMs: readonly number[];
  readonly monthRows: number;
  /** All campaigns' day, of which every hour of each has rows. */
  readonly dayMs: readonly number[];
  readonly dayRows: number;
  /** All campaigns' day of those that were filled with few impressions. */
  readonly otherDayMs: readonly number[];
  readonly otherDayRows: number;
  /** All three rollups, with their indexes. */
  readonly rollupRows: number;
  readonly rollupBytes: number;
  /** Both reports are what plain sums over the events come to, and every event is in every rollup once. */
  readonly isExact: boolean;
}

const APPLICATION = 'adtally-bench-reports';
const DAYS_PER_MONTH = 30;
const REPEATED = 9;
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
  const dayOf = (day: number) =>
    new Date(stored.firstDayMs + day * DAY_MS).toISOString().slice(0, 10);
  const { firstDay, days } = stored.fullMonth;
  const monthly = {
    period: periodOf({ from: dayOf(firstDay), to: dayOf(firstDay + days), timeZone: 'UTC' }),
    campaignId: 'cmp-0',
    by: 'day',
  } as const;
  const daily = (at: number) =>
    ({
      period: periodOf({ from: dayOf(at), to: dayOf(at + 1), timeZone: 'UTC' }),
      by: 'campaign',
    }) as const;
  const full = daily(stored.fullDay);
  const other = daily(stored.fullDay + 1);
  const month = await timed(() => readReport(db, monthly));
  const day = await timed(() => readReport(db, full));
  const otherDay = await timed(() => readReport(db, other));
  const monthSpan = [monthly.period.fromMs, monthly.period.toMs, monthly.campaignId] as const;
  const daySpan = [full.period.fromMs, full.period.toMs, null] as const;
  const otherSpan = [other.period.fromMs, other.period.toMs, null] as const;
  const { rows: rollupRows, bytes } = await sizes(client);
  return {
    days: stored.days,
    events,
    fillSeconds,
    monthMs: month.tookMs,
    monthRows: await rowsIn(client, monthSpan),
    dayMs: day.tookMs,
    dayRows: await rowsIn(client, daySpan),
    otherDayMs: otherDay.tookMs,
    otherDayRows: await rowsIn(client, otherSpan),
    rollupRows,
    rollupBytes: bytes,
    isExact:
      (await isExact(client, month.report, monthSpan)) &&
      (await isExact(client, day.report, daySpan)) &&
      (await isExact(client, otherDay.report, otherSpan)) &&
      (await countsAll(client, events)),
  };
}

async function timed(
  read: () => Promise<Report>,
): Promise<{ readonly report: Report; readonly tookMs: readonly number[] }> {
  const report = await read();
  const tookMs: number[] = [];
  for (let time = 0; time < REPEATED; time += 1) {
    const startedMs = performance.now();
    await read();
    tookMs.push(performance.now() - startedMs);
  }
  return { report, tookMs: [Math.min(...tookMs), median(tookMs), Math.max(...tookMs)] };
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

async function sizes(client: Client): Promise<{ readonly rows: number; readonly bytes: number }> {
  const sums = (of: (table: string) => string) => TABLES.map(({ table }) => of(table)).join(' + ');
  const { rows } = await client.query<{ n: string; bytes: string }>(
    `SELECT ${sums((table) => `(SELECT count(*) FROM ${table})`)} AS n,
            ${sums((table) => `pg_total_relation_size('${table}')`)} AS bytes`,
  );
  return { rows: Number(rows[0]?.n), bytes: Number(rows[0]?.bytes) };
}
