import type { DatabaseExecutor } from '@adtally/db';
import { sql } from 'kysely';
import { attribution } from '../attribution-sql.ts';
import { COHORT_MS } from '../cohorts.ts';
import type { RollupDefinition } from '../definitions.ts';
import { kindNumbered, KINDS, type Measure } from '../measures.ts';
import { storedEvents } from '../stored-events.ts';
import { addLanes, type Lanes, NO_EVENTS } from './fingerprint.ts';
import type { Bucket } from '../period.ts';
import type { OffsetRange, SourcePosition } from './document.ts';

/** What is asked for: a campaign's days as far as these sources had been counted. */
export interface FiguresAsked {
  readonly campaignId: string;
  readonly days: readonly Bucket[];
  readonly definition: RollupDefinition;
  readonly asOf: readonly SourcePosition[];
  /** Impressions born from then on are not in the rollups yet; milliseconds since 1970. */
  readonly frontierMs: number;
  /** Of an earlier statement: the offsets of what came after it are told apart; none where there is no such. */
  readonly since: readonly SourcePosition[];
}

/** Counts and money in micros, by measure; those that are absent are 0. */
export type Sums = ReadonlyMap<Measure, bigint>;

/** A day's figures. */
export interface DayFigures {
  readonly day: string;
  readonly events: bigint;
  readonly lanes: Lanes;
  readonly byCurrency: ReadonlyMap<string, Sums>;
}

/** A campaign's figures, computed from the events themselves. */
export interface Figures {
  readonly days: readonly DayFigures[];
  /** Where all events lie of the impressions that are in it. */
  readonly offsets: readonly OffsetRange[];
  /** Of these what lies at or past `since`. */
  readonly late: readonly OffsetRange[];
  /** Counted events of impressions that no rollup has summed up yet. */
  readonly unsettled: bigint;
}

interface FigureRow {
  readonly what: 'figure';
  readonly day: string;
  readonly currency: string;
  readonly kind: number;
  readonly events: string;
  readonly unsettled: string;
  readonly micros: string;
  readonly lanes: readonly string[];
}

interface RangeRow {
  readonly what: 'offsets' | 'late';
  readonly source: string;
  readonly first_offset: string;
  readonly end_offset: string;
  readonly events: string;
}

const WORK_MEMORY = '64MB';
/**
 * Sums up what a campaign is credited with, by the text that makes the rollups (`attribution`), from the events that
 * had been stored when the sources stood at `asOf`: one statement, so one snapshot. Reads every event twice at most:
 * once to find the campaign's impressions, which no index knows, once for all their events.
 *
 * The fingerprint of an event is SHA-256 over the lines key, type, occurred_at (microseconds since 1970), currency,
 * amount, campaign; the campaign is last, since it alone may hold a line's end. See `fingerprint.ts`.
 */
export async function figuresOf(trx: DatabaseExecutor, asked: FiguresAsked): Promise<Figures> {
  const { campaignId, days, asOf, since, frontierMs } = asked;
  // One set of dimensions is enough, whatever rollups the version keeps.
  const definition: RollupDefinition = { ...asked.definition, rollups: ['campaign'] };
  const stored = await storedEvents(trx);
  const unsettledFrom = Math.floor(frontierMs / COHORT_MS);
  await sql`SET LOCAL jit = off; SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)}`.execute(trx);
  const { rows } = await sql<{ row: FigureRow | RangeRow }>`
    WITH days AS MATERIALIZED (
      SELECT * FROM unnest(${days.map(({ label }) => label)}::text[], ${days.map(({ fromMs }) => instantText(fromMs))}::timestamptz[],
                           ${days.map(({ toMs }) => instantText(toMs))}::timestamptz[]) AS d (day, from_at, to_at)
    ),
    mine AS MATERIALIZED (
      SELECT DISTINCT impression_id FROM ${stored} e WHERE campaign_id = ${campaignId} AND ${isBefore(asOf)}
    ),
    input AS MATERIALIZED (
      SELECT e.*, 0::bigint AS cohort, 1 AS sign FROM mine JOIN ${stored} e USING (impression_id) WHERE ${isBefore(asOf)}
    ),
    companions AS NOT MATERIALIZED (SELECT * FROM input),
    ${attribution('impression_id', definition, 'identified')},
    counted AS MATERIALIZED (
      SELECT d.day, a.*, rollup_cohort(a.impression_id) AS born, sha256(convert_to(concat_ws(E'\n', a.event_key,
               a.event_type, (extract(epoch FROM a.occurred_at) * 1000000)::bigint, a.currency, a.amount_micros,
               a.own_campaign_id), 'UTF8')) AS hash
      FROM attributed a JOIN days d ON a.occurred_at >= d.from_at AND a.occurred_at < d.to_at
      WHERE a.campaign_id = ${campaignId}
    ),
    behind AS MATERIALIZED (
      SELECT e.source_id, e.source_offset, NOT ${isBefore(since)} AS is_late
      FROM input e WHERE impression_id IN (SELECT impression_id FROM counted)
    )
    SELECT jsonb_build_object('what', 'figure', 'day', day, 'currency', currency, 'kind', kind,
             'events', count(*)::text, 'unsettled', count(*) FILTER (WHERE born >= ${unsettledFrom})::text,
             'micros', sum(amount_micros)::text, 'lanes', jsonb_build_array(${LANES})) AS row
    FROM counted GROUP BY day, currency, kind
    UNION ALL
    SELECT jsonb_build_object('what', 'offsets', ${RANGE}) FROM behind GROUP BY source_id
    UNION ALL
    SELECT jsonb_build_object('what', 'late', ${RANGE}) FROM behind WHERE is_late GROUP BY source_id`.execute(
    trx,
  );
  const found = rows.map(({ row }) => row);
  const figures = found.filter((row) => row.what === 'figure');
  return {
    days: days.map(({ label }) =>
      dayFigures(
        label,
        figures.filter(({ day }) => day === label),
      ),
    ),
    offsets: rangesOf(found, 'offsets'),
    late: since.length === 0 ? [] : rangesOf(found, 'late'),
    unsettled: figures.reduce((sum, row) => sum + BigInt(row.unsettled), 0n),
  };
}

/** Four 64-bit pieces of each hash, summed up as if signed: modulo 2^64 that is the same. */
const LANES = sql.raw(
  [1, 9, 17, 25]
    .map((at) => `sum(('x' || encode(substr(hash, ${at}, 8), 'hex'))::bit(64)::bigint)::text`)
    .join(', '),
);

const RANGE = sql.raw(`'source', source_id::text, 'first_offset', min(source_offset)::text,
  'end_offset', (max(source_offset) + 1)::text, 'events', count(*)::text`);

/** An instant as statements write it: UTC, to the millisecond. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

/** Whether the event `e` was stored when the sources stood so; one that is not named stood at 0. */
function isBefore(positions: readonly SourcePosition[]) {
  const sources = positions.map(({ source }) => source);
  const offsets = positions.map(({ next_offset }) => next_offset);
  return sql`(e.source_offset < coalesce((${offsets}::bigint[])[array_position(${sources}::int[], e.source_id)], 0))`;
}

function dayFigures(day: string, rows: readonly FigureRow[]): DayFigures {
  const byCurrency = new Map<string, Map<Measure, bigint>>();
  let lanes = NO_EVENTS;
  for (const { currency, kind, events, micros, lanes: ofRow } of rows) {
    lanes = addLanes(lanes, ofRow.map(BigInt));
    const sums = byCurrency.get(currency) ?? new Map<Measure, bigint>();
    byCurrency.set(currency, sums);
    const declared = KINDS[kindNumbered(kind)];
    sums.set(declared.count, (sums.get(declared.count) ?? 0n) + BigInt(events));
    sums.set(declared.money, (sums.get(declared.money) ?? 0n) + BigInt(micros));
  }
  const events = rows.reduce((sum, row) => sum + BigInt(row.events), 0n);
  return { day, events, lanes, byCurrency };
}

function rangesOf(rows: readonly (FigureRow | RangeRow)[], what: RangeRow['what']): OffsetRange[] {
  return rows
    .filter((row): row is RangeRow => row.what === what)
    .map(({ source, first_offset, end_offset, events }) => ({
      source,
      first_offset,
      end_offset,
      events,
    }))
    .toSorted((a, b) => Number(a.source) - Number(b.source));
}
