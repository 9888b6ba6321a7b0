import { formatTable } from '@adtally/command-line';
import { type Statement, type StatementFigures } from '@adtally/analytics';
import { count, printable, withoutControls } from './words.ts';

const MICROS = 1_000_000n;
const MICROS_DIGITS = 6;

/** A statement for people; what its file says, without the offsets. */
export function statementText(statement: Statement): string {
  const { campaign_id, month, time_zone, attribution, totals, days, adjustments, corrects } =
    statement;
  const rows = days.flatMap(({ day, currencies }) => currencies.map((of) => figuresRow(day, of)));
  const beside = totals.flatMap(besideRows);
  return [
    `Statement of campaign ${withoutControls(campaign_id)}, ${month}, days of ${time_zone}`,
    `issued ${statement.issued_at}, attribution version ${attribution.version} (${attribution.algorithm})` +
      (corrects === null ? '' : `, corrects the one issued ${corrects.issued_at}`),
    '',
    rows.length === 0
      ? 'No events are counted in this month.'
      : formatTable([HEAD, ...rows, ...totals.map((of) => figuresRow('all', of))], NUMBERS),
    ...(beside.length === 0 ? [] : ['', formatTable(beside, BESIDE_NUMBERS)]),
    ...(adjustments.length === 0 ? [] : ['', adjustmentTable(adjustments)]),
    ...(corrects === null ? [] : ['', ...changeLines(corrects)]),
    '',
    `as of     ${positionsText(statement)}`,
    ...(statement.rollups.agreement === 'equal'
      ? []
      : [`rollups   ${statement.rollups.agreement}: ${statement.rollups.detail}`]),
    `events    ${count(BigInt(statement.events))}, fingerprint ${statement.fingerprint}`,
    `digest    ${statement.digest}`,
  ].join('\n');
}

const HEAD = ['BILLED', '', 'IMPRESSIONS', 'CLICKS', 'CONVERSIONS', 'SPEND', 'VALUE'];
const NUMBERS = new Set([2, 3, 4, 5, 6]);
const BESIDE_NUMBERS = new Set([2]);

function figuresRow(day: string, { currency, billed }: StatementFigures): string[] {
  const of = (...names: string[]): bigint =>
    names.reduce((sum, name) => sum + BigInt(billed[name] ?? 0), 0n);
  return [
    day,
    currency,
    count(of('impressions')),
    count(of('clicks')),
    count(of('click_conversions', 'view_conversions')),
    money(of('spend_micros')),
    money(of('click_value_micros', 'view_value_micros')),
  ];
}

/** What is told beside the bill: a line a figure that is not 0. */
function besideRows({ currency, unmatched, invalid }: StatementFigures): string[][] {
  return [unmatched, invalid]
    .flatMap((figures) => Object.entries(figures))
    .filter(([, value]) => value !== '0')
    .map(([measure, value]) => {
      const isMoney = measure.endsWith('_micros');
      const name = measure.replace(/_micros$/, '').replaceAll('_', ' ');
      return [
        `not billed: ${name}`,
        currency,
        isMoney ? money(BigInt(value)) : count(BigInt(value)),
      ];
    });
}

function adjustmentTable(adjustments: Statement['adjustments']): string {
  const rows = adjustments.map(
    ({ adjustment, day, event_type, currency, amount_micros, undoes }) => [
      `adjusted by hand, not in the figures: ${adjustment}`,
      day,
      event_type,
      currency,
      money(BigInt(amount_micros)),
      undoes === null ? '' : `takes back ${undoes}`,
    ],
  );
  return formatTable(rows, new Set([4]));
}

function changeLines({ changes, late }: NonNullable<Statement['corrects']>): string[] {
  const rows = changes.map(({ day, currency, measure, before, after }) => {
    const by = BigInt(after) - BigInt(before);
    const show = measure.endsWith('_micros') ? money : count;
    return [
      day,
      currency,
      measure.replace(/_micros$/, ''),
      show(BigInt(before)),
      show(BigInt(after)),
      `${by > 0n ? '+' : ''}${show(by)}`,
    ];
  });
  return [
    formatTable([['CHANGED', '', '', 'BEFORE', 'NOW', ''], ...rows], new Set([3, 4, 5])),
    ...late.map(
      ({ source, first_offset, end_offset, events }) =>
        `by ${count(BigInt(events))} late events of source ${source} in [${first_offset}, ${end_offset})`,
    ),
  ];
}

/** How far each topic was counted; partition by partition it stands in the document. */
function positionsText({ as_of }: Statement): string {
  const byTopic = Map.groupBy(as_of, ({ topic, kind }) =>
    kind === 'events' ? printable(topic) : `${kind} ${printable(topic)}`,
  );
  const positions = [...byTopic].map(([name, of]) => {
    const offsets = of.reduce((sum, { next_offset }) => sum + BigInt(next_offset), 0n);
    return `${name}: ${count(offsets)} offsets in ${of.length} partitions`;
  });
  return positions.length === 0 ? 'nothing counted' : positions.join('; ');
}

/** Micros as units with their six decimals; never rounded. */
function money(micros: bigint): string {
  const absolute = micros < 0n ? -micros : micros;
  const rest = String(absolute % MICROS).padStart(MICROS_DIGITS, '0');
  return `${micros < 0n ? '-' : ''}${count(absolute / MICROS)}.${rest}`;
}
