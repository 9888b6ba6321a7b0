import type { Database } from '@adtally/db';
import { PARTS } from '../measures.ts';
import { type Adjustment, listAdjustments } from '../adjustments.ts';
import type { Asked } from './asked.ts';
import { type FigureMeasure, noFigures } from './classes.ts';
import { type Cut, type FigureRow, type Figures, readFigures } from './read-figures.ts';
import { inSnapshot } from '../snapshot.ts';
import { readStanding, type Standing } from './standing.ts';
import { addedUp, type ClassCount, classCounts, conversionsOf, quotient, rate } from './summary.ts';

/** What a line of a report is about. */
export interface LineKey {
  readonly campaignId: string;
  /** The day or hour, creative or placement it is cut by; null where a report has one line a campaign. */
  readonly label: string | null;
}

/** Counts of events, over all currencies: a click in one may earn a conversion in another. */
export interface CountLine extends LineKey {
  readonly counts: Readonly<Record<FigureMeasure, bigint>>;
  /** Clicks by impressions, with six digits; null without impressions. */
  readonly ctr: string | null;
  /** Conversions by clicks. */
  readonly cvr: string | null;
}

/** Sums of money in one currency, in micros. */
export interface MoneyLine extends LineKey {
  readonly currency: string;
  readonly sums: Readonly<Record<FigureMeasure, bigint>>;
  /** Booked by hand for events of this line; part of no sum. */
  readonly adjustments: number;
  readonly adjustedSpendMicros: bigint;
  readonly adjustedValueMicros: bigint;
  /** Spend by the impressions, in thousands, and by the clicks of the same currency. */
  readonly cpmMicros: bigint | null;
  readonly cpcMicros: bigint | null;
}

export interface Report {
  readonly standing: Standing;
  readonly from: Figures['from'];
  readonly counts: readonly CountLine[];
  readonly money: readonly MoneyLine[];
  /** Over the whole report: a line for each class of each type, that add up to the stored events. */
  readonly classes: readonly ClassCount[];
}

/** Reads a report in one snapshot. @throws RefusedError where there are no figures, or none that are cut so */
export async function readReport(
  db: Database,
  asked: Asked & { readonly by: Cut },
): Promise<Report> {
  return await inSnapshot(db, async (trx) => {
    const standing = await readStanding(trx);
    const figures = await readFigures(trx, standing.definition, asked);
    const adjustments = await listAdjustments(trx, asked);
    const counts = countLines(figures);
    const money = moneyLines(figures, adjustments, asked.by);
    return { standing, from: figures.from, counts, money, classes: classCounts(figures.rows) };
  });
}

function countLines(figures: Figures): CountLine[] {
  const groups = Map.groupBy(figures.rows, (row) => JSON.stringify(keyOf(row, figures)));
  return [...groups.values()].map((rows) => {
    const counts = addedUp(rows);
    return {
      ...keyOf(rows[0] as FigureRow, figures),
      counts,
      ctr: rate(counts.clicks, counts.impressions),
      cvr: rate(conversionsOf(counts), counts.clicks),
    };
  });
}

function moneyLines(figures: Figures, adjustments: readonly Adjustment[], by: Cut): MoneyLine[] {
  const lines = figures.rows.map((row) => {
    const { currency, sums } = row;
    return { ...keyOf(row, figures), currency, sums };
  });
  const textOf = ({ campaignId, label, currency }: LineKey & { currency: string }) =>
    JSON.stringify([campaignId, label, currency]);
  const booked = Map.groupBy(adjustments, (one) =>
    textOf({ ...keyOfAdjustment(one, figures, by), currency: one.currency }),
  );
  const known = new Set(booked.size === 0 ? [] : lines.map(textOf));
  const others = [...booked]
    .filter(([text]) => !known.has(text))
    .map(([, [one]]) => one as Adjustment)
    .map((one) => ({
      ...keyOfAdjustment(one, figures, by),
      currency: one.currency,
      sums: noFigures(),
    }));
  return [...lines, ...others].map((line) => {
    const { sums } = line;
    const own = (booked.size === 0 ? undefined : booked.get(textOf(line))) ?? [];
    const [values, spends] = [own.filter(isValue), own.filter((one) => !isValue(one))];
    return {
      ...line,
      adjustments: own.length,
      adjustedSpendMicros: amountOf(spends),
      adjustedValueMicros: amountOf(values),
      cpmMicros: quotient(sums.spend_micros * 1000n, sums.impressions),
      cpcMicros: quotient(sums.spend_micros, sums.clicks),
    };
  });
}

function keyOf({ campaignId, bucket, part }: FigureRow, { buckets }: Figures): LineKey {
  return { campaignId, label: bucket === null ? part : (buckets[bucket]?.label ?? null) };
}

function keyOfAdjustment(one: Adjustment, { buckets }: Figures, by: Cut): LineKey {
  const { campaignId, creativeId, placementId } = one;
  if (by === 'creative') return { campaignId, label: creativeId };
  if (by === 'placement') return { campaignId, label: placementId };
  if (by === 'campaign') return { campaignId, label: null };
  const ms = Date.parse(one.occurredAt);
  const bucket = buckets.find(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
  return { campaignId, label: bucket?.label ?? null };
}

function isValue({ eventType }: Adjustment): boolean {
  return PARTS[eventType].plays === 'result';
}

function amountOf(adjustments: readonly Adjustment[]): bigint {
  return adjustments.reduce((sum, { amountMicros }) => sum + amountMicros, 0n);
}
