import { UsageError } from '@adtally/command-line';
import type { DatabaseExecutor } from '@adtally/db';
import type { EventType } from '@adtally/event-schema';
import { type RawBuilder, sql } from 'kysely';
import { planAsEver } from '../base-input.ts';
import type { RollupDefinition } from '../definitions.ts';
import { kindNumbered, KINDS, MEASURES } from '../measures.ts';
import { type Bucket, daysOf, hoursOf, isOnUtcHours, type Period } from '../period.ts';
import { rollupNeedText, readRollupNeeds } from '../rollup-needs.ts';
import type { Dimension, Rollup } from '../rollups.ts';
import { RefusedError } from '../versions.ts';
import { type Asked, bucketOf, isOfCampaign, isWithin } from './asked.ts';
import { type EventClass, type FigureMeasure, measuresOf, noFigures } from './classes.ts';
import { storedEvents } from '../stored-events.ts';
import { cohortsOf, countedEvents, readingCounted } from './counted-sql.ts';
import { areCutAtUtcDays, keptRows } from './kept-rows.ts';
import { requireRollupOf } from './taken-over-figures.ts';
import { readUncounted, waitingEvents } from './waiting-sql.ts';

/** What figures are cut by, beside campaign and currency. */
export const CUTS = ['campaign', 'day', 'hour', 'creative', 'placement'] as const;
export type Cut = (typeof CUTS)[number];

/** For the sums of thousands of campaigns at once. */
const WORK_MEMORY = '64MB';
/** More than anybody reads; so many are held in memory at once, and need some hundred megabytes of it. */
const ROWS_MAX = 100_000;

/** The sums of a campaign in one currency, and of one day, hour, creative or placement where figures are cut so. */
export interface FigureRow {
  readonly campaignId: string;
  /** The creative or placement. */
  readonly part: string | null;
  /** The day or hour, as an index of `buckets`. */
  readonly bucket: number | null;
  readonly currency: string;
  readonly sums: Readonly<Record<FigureMeasure, bigint>>;
}

export interface Figures {
  readonly rows: readonly FigureRow[];
  /** The days or hours, in order; the whole period as one where figures are not cut by time. */
  readonly buckets: readonly Bucket[];
  /** `events`: attributed anew, since these days do not begin on whole hours of UTC, by which rollups are kept. */
  readonly from: 'rollups' | 'events';
}

const PARTS_OF: Readonly<
  Record<Cut, { readonly rollup: Rollup; readonly part: Dimension | null }>
> = {
  campaign: { rollup: 'campaign', part: null },
  day: { rollup: 'campaign', part: null },
  hour: { rollup: 'campaign', part: null },
  creative: { rollup: 'creative', part: 'creative_id' },
  placement: { rollup: 'placement', part: 'placement_id' },
};

/**
 * The figures of the version that readers see, and what waits for it. In one snapshot (`inSnapshot`) they belong together.
 *
 * @throws RefusedError where that version does not keep the rollup which is cut by, of all that is asked
 * @throws UsageError where there are more than 100,000 rows
 */
export async function readFigures(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked & { readonly by: Cut },
): Promise<Figures> {
  const { by, period } = asked;
  const { rollup } = PARTS_OF[by];
  if (!definition.rollups.includes(rollup)) {
    const need = (await readRollupNeeds(trx)).find((one) => one.rollup === rollup);
    throw new RefusedError(
      need === undefined ? `rollup "${rollup}" is not kept` : rollupNeedText(need),
    );
  }
  await requireRollupOf(trx, definition, rollup, asked);
  const buckets = bucketsOf(by, period);
  const sums = new FigureSums(by);
  const from = isOnUtcHours(buckets) ? 'rollups' : 'events';
  if (from === 'rollups') await addRollups(trx, definition, asked, buckets, sums);
  else await addCounted(trx, definition, asked, buckets, sums);
  await addWaiting(trx, definition, asked, buckets, sums);
  return { rows: sums.rows(), buckets, from };
}

function bucketsOf(by: Cut, period: Period): readonly Bucket[] {
  if (by === 'day') return daysOf(period);
  if (by === 'hour') return hoursOf(period);
  return [{ label: '', fromMs: period.fromMs, toMs: period.toMs }];
}

interface RowKey {
  readonly campaign_id: string;
  readonly part: string | null;
  readonly bucket: number;
  readonly currency: string;
}

/** Sums by what they are cut by, in the order of campaign, day, part and currency. */
class FigureSums {
  readonly #byKey = new Map<string, FigureRow & { sums: Record<FigureMeasure, bigint> }>();
  readonly #isCutByTime: boolean;

  constructor(by: Cut) {
    this.#isCutByTime = by === 'day' || by === 'hour';
  }

  /** The sums of a row, to be added to. */
  of({ campaign_id, part, bucket, currency }: RowKey): Record<FigureMeasure, bigint> {
    const key = JSON.stringify([campaign_id, bucket, part, currency]);
    let row = this.#byKey.get(key);
    if (row === undefined) {
      const at = { part, bucket: this.#isCutByTime ? bucket : null };
      row = { campaignId: campaign_id, ...at, currency, sums: noFigures() };
      this.#byKey.set(key, row);
      if (this.#byKey.size > ROWS_MAX) throw tooManyRows();
    }
    return row.sums;
  }

  rows(): FigureRow[] {
    return [...this.#byKey.values()].toSorted(
      (a, b) =>
        compare(a.campaignId, b.campaignId) ||
        (a.bucket ?? 0) - (b.bucket ?? 0) ||
        compare(a.part ?? '', b.part ?? '') ||
        compare(a.currency, b.currency),
    );
  }
}

/** For a statement: what is more than is held need not be sent. */
const AT_MOST = sql`LIMIT ${sql.lit(ROWS_MAX + 1)}`;

function tooManyRows(): UsageError {
  return new UsageError(
    `more than ${ROWS_MAX} lines: ask for one campaign, a shorter time or larger parts of it`,
  );
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** What rows are cut by, as columns of a relation with the dimensions of `events`. */
function keyColumns(
  { by }: { readonly by: Cut },
  moment: string,
  buckets: readonly Bucket[],
): RawBuilder<unknown> {
  const { part } = PARTS_OF[by];
  const partText = part === null ? sql`NULL::text` : sql`coalesce(${sql.ref(part)}, '')`;
  return sql`campaign_id, ${partText} AS part, ${bucketOf(moment, buckets)} AS bucket, currency`;
}

async function addRollups(
  trx: DatabaseExecutor,
  { version }: RollupDefinition,
  asked: Asked & { readonly by: Cut },
  buckets: readonly Bucket[],
  sums: FigureSums,
): Promise<void> {
  const { rollup } = PARTS_OF[asked.by];
  const isByDay = areCutAtUtcDays(buckets);
  const summed = MEASURES.map((name) => `sum(${name})::text AS ${name}`).join(', ');
  await sql`SET LOCAL work_mem = ${sql.lit(WORK_MEMORY)}`.execute(trx);
  const { rows } = await sql<RowKey & Record<(typeof MEASURES)[number], string>>`
    SELECT ${keyColumns(asked, 'hour', buckets)}, ${sql.raw(summed)}
    FROM ${keptRows({ rollup, version, span: asked.period, condition: isOfCampaign(asked), isByDay })} kept
    GROUP BY 1, 2, 3, 4 ${AT_MOST}`.execute(trx);
  await planAsEver(trx);
  for (const row of rows) {
    const of = sums.of(row);
    for (const measure of MEASURES) {
      const value = row[measure];
      if (value !== '0') of[measure] += BigInt(value);
    }
  }
}

async function addCounted(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked & { readonly by: Cut },
  buckets: readonly Bucket[],
  sums: FigureSums,
): Promise<void> {
  const stored = await storedEvents(trx);
  for (const cohorts of await cohortsOf(trx, definition, asked)) {
    const counted = sql<RowKey & { kind: number; events: bigint; micros: string }>`
      WITH ${countedEvents(definition, cohorts, stored)}
      SELECT ${keyColumns(asked, 'occurred_at', buckets)}, kind, count(*) AS events, sum(amount_micros)::text AS micros
      FROM attributed WHERE ${isWithin('occurred_at', asked.period)} AND ${isOfCampaign(asked)}
      GROUP BY 1, 2, 3, 4, 5`;
    const { rows } = await readingCounted(trx, cohorts, () => counted.execute(trx));
    for (const row of rows) {
      const kind = kindNumbered(row.kind);
      addClass(sums, row, { ...row, type: KINDS[kind].of, eventClass: kind });
    }
  }
}

async function addWaiting(
  trx: DatabaseExecutor,
  definition: RollupDefinition,
  asked: Asked & { readonly by: Cut },
  buckets: readonly Bucket[],
  sums: FigureSums,
): Promise<void> {
  const uncounted = await readUncounted(trx, definition);
  const { rows } = await sql<RowKey & { type: EventType; events: bigint; micros: string }>`
    SELECT ${keyColumns(asked, 'occurred_at', buckets)}, event_type::text AS type, count(*) AS events,
           sum(amount_micros)::text AS micros
    FROM (${waitingEvents(definition, uncounted, asked)}) waiting
    GROUP BY 1, 2, 3, 4, 5`.execute(trx);
  for (const row of rows) addClass(sums, row, { ...row, eventClass: 'waiting' });
}

function addClass(
  sums: FigureSums,
  key: RowKey,
  counted: {
    readonly type: EventType;
    readonly eventClass: EventClass;
    readonly events: bigint;
    readonly micros: string;
  },
): void {
  const { count, money } = measuresOf(counted.type, counted.eventClass);
  const of = sums.of(key);
  of[count] += counted.events;
  of[money] += BigInt(counted.micros);
}
