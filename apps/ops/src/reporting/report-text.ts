import {
  addedUp,
  conversionsOf,
  type CountLine,
  type Cut,
  type LineKey,
  measuresOf,
  type MoneyLine,
  type Report,
  valueOf,
} from '@adtally/analytics';
import { formatTable, printJson } from '@adtally/command-line';
import { EVENT_TYPES } from '@adtally/event-schema';
import { count, money, shortName } from '../words.ts';
import { classesJson, classesText } from './class-words.ts';
import { csvLine } from './csv.ts';
import { countFigures, moneyFigures } from './report-columns.ts';
import { standingJson } from './standing-words.ts';

/** A report for people: counts, money by currency, and what becomes of the events that are stored. */
export function reportText({ counts, money: lines, classes }: Report, by: Cut): string {
  return [countsText(counts, by), moneyText(lines, by), classesText(classes)].join('\n\n');
}

export function printReportJson(report: Report, by: Cut, asked: object, stale: string[]): void {
  const key = ({ campaignId, label }: LineKey) => ({
    campaign: campaignId,
    ...(by === 'campaign' ? {} : { [by]: label }),
  });
  printJson({
    ...asked,
    by,
    read_from: report.from,
    as_of: standingJson(report.standing),
    stale,
    counts: report.counts.map((line) => ({ ...key(line), ...countFigures(line) })),
    money: report.money.map((line) => ({
      ...key(line),
      currency: line.currency,
      ...moneyFigures(line),
    })),
    events: classesJson(report.classes),
  });
}

/** Lines of counts, which have no currency and no money, and of money, which have no counts: every column can be summed up. */
export function reportCsv(report: Report, by: Cut): string {
  const counts = report.counts.map((line) => [line, countFigures(line)] as const);
  const sums = report.money.map((line) => [line, moneyFigures(line)] as const);
  const none = addedUp([]);
  const countNames = Object.keys(countFigures({ ...EMPTY, counts: none, ctr: null, cvr: null }));
  const moneyNames = Object.keys(moneyFigures({ ...EMPTY_MONEY, sums: none }));
  const label = by === 'campaign' ? [] : [by];
  const labelOf = (line: LineKey) => (by === 'campaign' ? [] : [line.label]);
  return [
    csvLine(['campaign', ...label, 'currency', ...countNames, ...moneyNames]),
    ...counts.map(([line, figures]) =>
      csvLine([
        line.campaignId,
        ...labelOf(line),
        null,
        ...countNames.map((name) => figures[name] ?? null),
        ...moneyNames.map(() => null),
      ]),
    ),
    ...sums.map(([line, figures]) =>
      csvLine([
        line.campaignId,
        ...labelOf(line),
        line.currency,
        ...countNames.map(() => null),
        ...moneyNames.map((name) => figures[name] ?? null),
      ]),
    ),
  ].join('');
}

const EMPTY = { campaignId: '', label: null };
const EMPTY_MONEY = {
  ...EMPTY,
  currency: '',
  adjustments: 0,
  adjustedSpendMicros: 0n,
  adjustedValueMicros: 0n,
  cpmMicros: null,
  cpcMicros: null,
};

function countsText(lines: readonly CountLine[], by: Cut): string {
  const header = ['IMPRESSIONS', 'CLICKS', 'CONVERSIONS', 'UNMATCHED', 'INVALID', 'WAITING'];
  const rows = lines.map((line) => {
    const { counts } = line;
    const waiting = EVENT_TYPES.map((type) => counts[measuresOf(type, 'waiting').count]);
    return [
      ...keyCells(line, by),
      count(counts.impressions),
      count(counts.clicks),
      count(conversionsOf(counts)),
      count(counts.unmatched_clicks + counts.unmatched_conversions),
      count(counts.early_clicks + counts.early_conversions),
      count(waiting.reduce((sum, events) => sum + events, 0n)),
      line.ctr ?? '-',
      line.cvr ?? '-',
    ];
  });
  return table([...keyHeader(by)], [...header, 'CTR', 'CVR'], rows);
}

function moneyText(lines: readonly MoneyLine[], by: Cut): string {
  const header = ['SPEND', 'VALUE', 'UNMATCHED', 'INVALID', 'WAITING', 'ADJUSTED', 'CPM', 'CPC'];
  const rows = lines.map((line) => {
    const { sums } = line;
    return [
      ...keyCells(line, by),
      line.currency,
      money(sums.spend_micros),
      money(valueOf(sums)),
      money(sums.unmatched_spend_micros + sums.unmatched_value_micros),
      money(sums.invalid_spend_micros + sums.invalid_value_micros),
      money(sums.waiting_spend_micros + sums.waiting_value_micros),
      adjustedText(line),
      line.cpmMicros === null ? '-' : money(line.cpmMicros),
      line.cpcMicros === null ? '-' : money(line.cpcMicros),
    ];
  });
  return table([...keyHeader(by), 'CURRENCY'], header, rows);
}

function adjustedText({ adjustments, ...line }: MoneyLine): string {
  if (adjustments === 0) return '-';
  const signed = (micros: bigint) => `${micros < 0n ? '' : '+'}${money(micros)}`;
  const spend =
    line.adjustedSpendMicros === 0n ? [] : [`spend ${signed(line.adjustedSpendMicros)}`];
  const value =
    line.adjustedValueMicros === 0n ? [] : [`value ${signed(line.adjustedValueMicros)}`];
  return [...spend, ...value].join(' ') || '0';
}

function keyHeader(by: Cut): readonly string[] {
  return by === 'campaign' ? ['CAMPAIGN'] : ['CAMPAIGN', by.toUpperCase()];
}

function keyCells({ campaignId, label }: LineKey, by: Cut): readonly string[] {
  const campaign = shortName(campaignId);
  return by === 'campaign' ? [campaign] : [campaign, shortName(label ?? '')];
}

function table(
  key: readonly string[],
  figures: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const right = new Set(figures.map((_name, index) => key.length + index));
  return formatTable([[...key, ...figures], ...rows], right);
}
