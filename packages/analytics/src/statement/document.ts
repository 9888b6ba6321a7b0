import { jsonText } from '@adtally/command-line';
import { type Static, type TProperties, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { MEASURES_BY_STANDING, type Standing } from '../measures.ts';
import { timeZone } from '../period.ts';
import { digestOf } from './canonical.ts';

/** The form of the file. Another form gets another number; an old file stays readable as what it says it is. */
export const STATEMENT_SCHEMA = 'adtally.statement/1';

const MONTH = '(?!0000)[0-9]{4}-(0[1-9]|1[0-2])';
const DAY = `${MONTH}-(0[1-9]|[12][0-9]|3[01])`;
const CLOCK = '([01][0-9]|2[0-3])(:[0-5][0-9]){2}[.][0-9]{3}';

/** Sums of money and counts. */
const Integer = Type.String({ pattern: '^(0|-?[1-9][0-9]{0,37})$' });
/** Offsets, numbers of rows, milliseconds: what fits a bigint. */
const Count = Type.String({ pattern: '^(0|[1-9][0-9]{0,17})$' });
/** What the database numbers by itself as an int. */
const Id = Type.String({ pattern: '^[1-9][0-9]{0,8}$' });
const Milliseconds = Type.String({ pattern: '^(0|[1-9][0-9]{0,12})$' });
const Instant = Type.String({ pattern: `^${DAY}T${CLOCK}Z$` });
const Day = Type.String({ pattern: `^${DAY}$` });
const Hash = Type.String({ pattern: '^[0-9a-f]{64}$' });

/** Nothing beside what is declared: nobody would verify it. */
const closed = <Members extends TProperties>(members: Members) =>
  Type.Object(members, { additionalProperties: false });

const amountsOf = (standing: Standing) =>
  closed(Object.fromEntries(MEASURES_BY_STANDING[standing].map((measure) => [measure, Integer])));

/** Counts and money (micros) of one currency, by whether they are billed; names as in the rollups. */
const Figures = closed({
  currency: Type.String(),
  billed: amountsOf('billed'),
  unmatched: amountsOf('unmatched'),
  invalid: amountsOf('invalid'),
});

/** A source of events and how much of it had been counted: what lies at or past `next_offset` is not in it. */
const SourcePosition = closed({
  source: Id,
  kind: Type.String(),
  topic: Type.String(),
  topic_id: Type.String(),
  partition: Count,
  run: Type.String(),
  next_offset: Count,
});

/** Where events lie in a source: from `first_offset` to before `end_offset`, others between them. */
const OffsetRange = closed({
  source: Id,
  first_offset: Count,
  end_offset: Count,
  events: Count,
});

const Change = closed({
  day: Day,
  currency: Type.String(),
  measure: Type.String(),
  before: Integer,
  after: Integer,
});

/** Money booked by hand for an event of the month; beside all figures, never in them (docs/adr/0031). */
const Adjustment = closed({
  adjustment: Integer,
  booked_at: Instant,
  day: Day,
  event_key: Type.String(),
  event_type: Type.String(),
  currency: Type.String(),
  amount_micros: Integer,
  /** The adjustment that it takes back. */
  undoes: Type.Union([Type.Null(), Integer]),
});

/** What a statement says. Integers are texts, so that no reader rounds them; instants are UTC, to the millisecond. */
const Statement = closed({
  schema: Type.Literal(STATEMENT_SCHEMA),
  campaign_id: Type.String({ pattern: '^[^\\u0000]*$' }),
  month: Type.String({ pattern: `^${MONTH}$` }),
  time_zone: Type.String(),
  issued_at: Instant,
  /** The rules by which conversions are credited; those of a version of the rollups. */
  attribution: closed({
    version: Id,
    algorithm: Type.String(),
    window_ms: Milliseconds,
    tolerance_ms: Milliseconds,
  }),
  as_of: Type.Array(SourcePosition),
  totals: Type.Array(Figures),
  /** Every day of the month, in the time zone; `from` is in it, `to` is not. */
  days: Type.Array(
    closed({
      day: Day,
      from: Instant,
      to: Instant,
      events: Count,
      fingerprint: Hash,
      currencies: Type.Array(Figures),
    }),
  ),
  /** Those booked until then, in the order in which they were booked. */
  adjustments: Type.Array(Adjustment),
  events: Count,
  /** Over the events that are counted, in whatever order (figures.ts). */
  fingerprint: Hash,
  /** Of all events of the impressions that are in it: what a recount has to read. */
  offsets: Type.Array(OffsetRange),
  /** How the rollups of that version stood to these figures when it was issued. */
  rollups: closed({
    agreement: Type.Union([
      Type.Literal('equal'),
      Type.Literal('behind'),
      Type.Literal('not comparable'),
    ]),
    detail: Type.String(),
  }),
  /** In a correction: the statement before it, and what late events changed. */
  corrects: Type.Union([
    Type.Null(),
    closed({
      digest: Hash,
      issued_at: Instant,
      as_of: Type.Array(SourcePosition),
      changes: Type.Array(Change),
      /** Events of these impressions that came after the statement before. */
      late: Type.Array(OffsetRange),
    }),
  ]),
  digest: Hash,
});

export type Statement = Static<typeof Statement>;
export type StatementFigures = Static<typeof Figures>;
export type SourcePosition = Static<typeof SourcePosition>;
export type OffsetRange = Static<typeof OffsetRange>;
export type Change = Static<typeof Change>;
export type StatedAdjustment = Static<typeof Adjustment>;

const CHECKED = Compile(Statement);

/** A file that is no statement this build can read; a sentence for people. */
export class UnreadableStatement extends Error {
  override readonly name = 'UnreadableStatement';
}

/** A statement's file as it was read. */
export interface ReadStatement {
  readonly statement: Statement;
  /** What of the file itself is not as it was issued; none where it is whole. */
  readonly problems: readonly string[];
}

/** The statement as its file holds it. */
export function renderStatement(statement: Statement): string {
  return `${JSON.stringify(statement, null, 2)}\n`;
}

/** Completes a statement by its digest. */
export function sealed(content: Omit<Statement, 'digest'>): Statement {
  return { ...content, digest: digestOf(content) };
}

/** Reads a file. @throws UnreadableStatement where it is none, or of a schema that this build does not know */
export function readStatement(text: string): ReadStatement {
  const value = parsed(text);
  const schema = (value as { readonly schema?: unknown } | null)?.schema;
  if (typeof schema !== 'string')
    throw new UnreadableStatement('it is no statement: it names no schema');
  if (schema !== STATEMENT_SCHEMA) {
    throw new UnreadableStatement(
      `its schema is ${JSON.stringify(schema)}; this build reads ${STATEMENT_SCHEMA}`,
    );
  }
  if (!CHECKED.Check(value)) {
    const [first] = CHECKED.Errors(value);
    throw new UnreadableStatement(
      `it is not as ${STATEMENT_SCHEMA} must be: ${first?.instancePath ?? ''} ${first?.message ?? ''}`,
    );
  }
  const impossible = impossibility(value);
  if (impossible !== null) throw new UnreadableStatement(impossible);
  const problems: string[] = [];
  const digest = digestOf(value);
  if (digest !== value.digest) {
    problems.push(`digest: the file says ${value.digest}, its content has ${digest}`);
  } else if (text !== renderStatement(value) && text !== `${jsonText(value)}\n`) {
    problems.push('bytes: what it says is whole, and its bytes are not those that were issued');
  }
  return { statement: value, problems };
}

/** What its form allows and no statement says; a sentence. */
function impossibility({ time_zone, as_of, corrects, adjustments }: Statement): string | null {
  if (timeZone.parse(time_zone) === undefined)
    return `its days are those of ${JSON.stringify(time_zone)}, a time zone that is not known here`;
  for (const positions of [as_of, corrects?.as_of ?? []]) {
    const twice = repeated(positions.map(({ source }) => source));
    if (twice !== undefined) return `it says twice where source ${twice} stood`;
  }
  const twice = repeated(adjustments.map(({ adjustment }) => adjustment));
  return twice === undefined ? null : `it lists adjustment ${twice} twice`;
}

function repeated(items: readonly string[]): string | undefined {
  return items.find((item, index) => items.indexOf(item) !== index);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadableStatement('it is not JSON');
  }
}
