/** What a day's events come to, as a database or a set of files has them. Integers are texts, which no reader rounds. */
export interface DayFigures {
  readonly events: string;
  /** XOR over the first 64 bits of SHA-256 of each event's line (columns.ts): of every column. 16 hex digits. */
  readonly content: string;
  /** By currency and event type, sorted by these. */
  readonly money: readonly Money[];
  /** By source, sorted by its number. */
  readonly sources: readonly SourceFigures[];
}

export interface Money {
  readonly currency: string;
  readonly event_type: string;
  readonly events: string;
  readonly micros: string;
}

export interface SourceFigures {
  /** `sources.source_id` */
  readonly source: string;
  readonly events: string;
  /** The events lie from here to before `end_offset`, others between them. */
  readonly first_offset: string;
  readonly end_offset: string;
  /** As in the ledger: XOR of the first 64 bits of the keys, a signed integer. */
  readonly fingerprint: string;
}

/** Events of one source, type and currency: what both engines are asked for. Integers as texts. */
export interface FigureGroup {
  readonly source: number;
  readonly event_type: string;
  readonly currency: string;
  readonly events: string;
  readonly micros: string;
  readonly keys: string;
  readonly content: string;
  readonly first_offset: string;
  readonly last_offset: string;
}

/**
 * The query for the groups, in the words that both engines share.
 *
 * @param first64 an expression for the first 64 bits of a hex text, as an integer
 */
export function groupsQuery(
  relation: string,
  line: string,
  sha256: (text: string) => string,
  first64: (hex: string) => string,
  text: string,
): string {
  return `SELECT source_id AS source, event_type::${text} AS event_type, currency,
      count(*)::${text} AS events, sum(amount_micros)::${text} AS micros,
      bit_xor(${first64(`replace(event_key::${text}, '-', '')`)})::${text} AS keys,
      bit_xor(${first64(sha256(line))})::${text} AS content,
      min(source_offset)::${text} AS first_offset, max(source_offset)::${text} AS last_offset
    FROM ${relation}
    GROUP BY source_id, event_type, currency`;
}

const WORD = 64;
const WORD_DIGITS = 16;
const sum = (values: readonly string[]) =>
  values.reduce((total, value) => total + BigInt(value), 0n);
const xor = (values: readonly string[]) =>
  values.reduce((total, value) => total ^ BigInt.asIntN(WORD, BigInt(value)), 0n);
const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** Adds groups up, also such as lie in several files. */
export function figuresOf(groups: readonly FigureGroup[]): DayFigures {
  const byMoney = Map.groupBy(groups, ({ currency, event_type }) => `${currency} ${event_type}`);
  const bySource = Map.groupBy(groups, ({ source }) => source);
  return {
    events: String(sum(groups.map(({ events }) => events))),
    content: BigInt.asUintN(WORD, xor(groups.map(({ content }) => content)))
      .toString(16)
      .padStart(WORD_DIGITS, '0'),
    money: [...byMoney]
      .toSorted(([a], [b]) => order(a, b))
      .map(([, alike]) => ({
        currency: alike[0]?.currency ?? '',
        event_type: alike[0]?.event_type ?? '',
        events: String(sum(alike.map(({ events }) => events))),
        micros: String(sum(alike.map(({ micros }) => micros))),
      })),
    sources: [...bySource]
      .toSorted(([a], [b]) => a - b)
      .map(([source, alike]) => ({
        source: String(source),
        events: String(sum(alike.map(({ events }) => events))),
        first_offset: String(
          extreme(
            alike.map(({ first_offset }) => first_offset),
            (a, b) => a < b,
          ),
        ),
        end_offset: String(
          extreme(
            alike.map(({ last_offset }) => last_offset),
            (a, b) => a > b,
          ) + 1n,
        ),
        fingerprint: String(xor(alike.map(({ keys }) => keys))),
      })),
  };
}

function extreme(values: readonly string[], isBetter: (a: bigint, b: bigint) => boolean): bigint {
  return values.map(BigInt).reduce((best, value) => (isBetter(value, best) ? value : best));
}

/** The first thing in which two differ, a sentence; undefined where they are equal. */
export function firstDifference(
  [one, ofOne]: readonly [string, DayFigures],
  [other, ofOther]: readonly [string, DayFigures],
): string | undefined {
  const [ours, theirs] = [flat(ofOne), flat(ofOther)];
  for (const key of new Set([...ours.keys(), ...theirs.keys()])) {
    const [a, b] = [ours.get(key) ?? 'none', theirs.get(key) ?? 'none'];
    if (a !== b) return `${key}: ${one} ${a}, ${other} ${b}`;
  }
  return undefined;
}

/** Each figure by its name, the telling ones first. */
function flat({ events, content, money, sources }: DayFigures): Map<string, string> {
  return new Map([
    ['events', events],
    ...money.flatMap(({ currency, event_type, events: count, micros }): [string, string][] => [
      [`events of ${event_type} in ${currency}`, count],
      [`micros of ${event_type} in ${currency}`, micros],
    ]),
    ...sources.flatMap(({ source, ...rest }): [string, string][] => [
      [`events of source ${source}`, rest.events],
      [`offsets of source ${source}`, `[${rest.first_offset}, ${rest.end_offset})`],
      [`fingerprint of source ${source}`, rest.fingerprint],
    ]),
    ['fingerprint of all columns', content],
  ]);
}
