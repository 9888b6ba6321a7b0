import { type RawBuilder, sql } from 'kysely';
import { MEASURES } from '../measures.ts';
import type { Bucket } from '../period.ts';
import { daysTableOf, dimensionsIn, type Rollup, ROLLUPS } from '../rollups.ts';
import { iso, isWithin } from './asked.ts';

type Span = Pick<Bucket, 'fromMs' | 'toMs'>;

const DAY_MS = 86_400_000;

/** Which of a rollup's rows are asked for. */
interface AskedRows {
  readonly rollup: Rollup;
  readonly version: number;
  /** On whole hours of UTC. */
  readonly span: Span;
  /** By campaign, say: of rows by hour and of sums by day. */
  readonly condition: RawBuilder<boolean>;
  /** Whether the hours of one UTC day may be told as one row, that of its midnight. */
  readonly isByDay: boolean;
}

/**
 * The rows of a rollup that figures of a span are the sums of, as a relation of `hour`, the dimensions, currency and the
 * measures: a row is an hour of one base, or a whole day of UTC where the rollup keeps sums of it and that is enough.
 */
export function keptRows(asked: AskedRows): RawBuilder<unknown> {
  const { rollup, version, span, condition, isByDay } = asked;
  const whole = isByDay ? wholeDaysIn(span) : null;
  const hoursInDays = whole === null ? [span] : edgesOf(span, whole);
  const columns = sql.raw([...dimensionsIn(rollup), 'currency', ...MEASURES].join(', '));
  const hours = (of: Span, isInDays: boolean) => sql`
    SELECT hour, ${columns} FROM ${sql.table(ROLLUPS[rollup].table)}
    WHERE version = ${version} AND ${isOfHoursIn(of)} AND ${condition} AND ${sql.raw(isInDays ? 'in_days' : 'NOT in_days')}`;
  const days = (of: Span) => sql`
    SELECT day::timestamp AT TIME ZONE 'UTC', ${columns} FROM ${sql.table(daysTableOf(rollup))}
    WHERE version = ${version} AND ${isOfDaysOf('day', of)} AND ${condition}`;
  const parts = [
    hours(span, false),
    ...hoursInDays.map((edge) => hours(edge, true)),
    ...(whole === null ? [] : [days(whole)]),
  ];
  return sql`(${sql.join(parts, sql` UNION ALL `)})`;
}

/**
 * Whether a rollup's row is of an hour that lies in a span. Says so by its UTC day as well, which is what the rollups'
 * indexes know.
 */
export function isOfHoursIn(span: Span): RawBuilder<boolean> {
  return sql`(${isWithin('hour', span)} AND ${isOfDaysOf(sql`(hour AT TIME ZONE 'UTC')::date`, span)})`;
}

/** Whether buckets are told apart by days of UTC alone, but for where the first begins and the last ends. */
export function areCutAtUtcDays(buckets: readonly Bucket[]): boolean {
  return buckets.slice(1).every(({ fromMs }) => fromMs % DAY_MS === 0);
}

function isOfDaysOf(day: 'day' | RawBuilder<unknown>, { fromMs, toMs }: Span): RawBuilder<boolean> {
  const column = typeof day === 'string' ? sql.ref(day) : day;
  return sql`${column} BETWEEN ${dayOf(fromMs)}::date AND ${dayOf(toMs - 1)}::date`;
}

function wholeDaysIn({ fromMs, toMs }: Span): Span | null {
  const whole = {
    fromMs: Math.ceil(fromMs / DAY_MS) * DAY_MS,
    toMs: Math.floor(toMs / DAY_MS) * DAY_MS,
  };
  return whole.fromMs < whole.toMs ? whole : null;
}

/** What a span has beside its whole days. */
function edgesOf(span: Span, whole: Span): Span[] {
  return [
    { fromMs: span.fromMs, toMs: whole.fromMs },
    { fromMs: whole.toMs, toMs: span.toMs },
  ].filter(({ fromMs, toMs }) => fromMs < toMs);
}

function dayOf(ms: number): string {
  return iso(ms).slice(0, 10);
}
