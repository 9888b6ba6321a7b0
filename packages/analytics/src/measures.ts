import type { RollupByCampaignTable } from '@adtally/db';
import type { EventType } from '@adtally/event-schema';

/** The columns of a rollup that hold counts, or sums of money. */
type ColumnOf<Value> = {
  [C in keyof RollupByCampaignTable]: RollupByCampaignTable[C] extends Value ? C : never;
}[keyof RollupByCampaignTable];

interface KindDeclaration {
  /** The event type it is a kind of. */
  readonly of: EventType;
  readonly count: ColumnOf<bigint>;
  readonly money: ColumnOf<string>;
}

/**
 * What becomes of an event in the rollups; each event is of exactly one kind.
 * - `unmatched_*`: its impression does not exist (yet); counted apart until it does
 * - `early_*`: an invalid order, it occurred before its impression by more than the tolerance
 * - `click_conversion`: earned by the last valid click before it within the window
 * - `view_conversion`: earned by the impression alone
 */
export const KINDS = {
  impression: { of: 'impression', count: 'impressions', money: 'spend_micros' },
  click: { of: 'click', count: 'clicks', money: 'spend_micros' },
  click_conversion: { of: 'conversion', count: 'click_conversions', money: 'click_value_micros' },
  view_conversion: { of: 'conversion', count: 'view_conversions', money: 'view_value_micros' },
  unmatched_click: { of: 'click', count: 'unmatched_clicks', money: 'unmatched_spend_micros' },
  unmatched_conversion: {
    of: 'conversion',
    count: 'unmatched_conversions',
    money: 'unmatched_value_micros',
  },
  early_click: { of: 'click', count: 'early_clicks', money: 'invalid_spend_micros' },
  early_conversion: {
    of: 'conversion',
    count: 'early_conversions',
    money: 'invalid_value_micros',
  },
} as const satisfies Readonly<Record<string, KindDeclaration>>;

export type EventKind = keyof typeof KINDS;

/** The kinds of an event type. */
type KindOf<T extends EventType> = {
  [K in EventKind]: T extends (typeof KINDS)[K]['of'] ? K : never;
}[EventKind];

/**
 * The part an event type plays for the impression it belongs to:
 * - `shown`: the impression itself; there is at most one, and exactly one type plays this part
 * - `act`: counted for its own dimensions; one that `earns` may earn the results after it
 * - `result`: credited to the last valid earning act within the window, else to what was shown
 */
export type Part<Kind extends EventKind = EventKind> =
  | { readonly plays: 'shown'; readonly counted: Kind }
  | {
      readonly plays: 'act';
      readonly earns: boolean;
      readonly counted: Kind;
      readonly early: Kind;
      readonly unmatched: Kind;
    }
  | {
      readonly plays: 'result';
      readonly earnedByAct: Kind;
      readonly earnedByShown: Kind;
      readonly early: Kind;
      readonly unmatched: Kind;
    };

export const PARTS: { readonly [T in EventType]: Part<KindOf<T>> } = {
  impression: { plays: 'shown', counted: 'impression' },
  click: {
    plays: 'act',
    earns: true,
    counted: 'click',
    early: 'early_click',
    unmatched: 'unmatched_click',
  },
  conversion: {
    plays: 'result',
    earnedByAct: 'click_conversion',
    earnedByShown: 'view_conversion',
    early: 'early_conversion',
    unmatched: 'unmatched_conversion',
  },
};

/** Stands for a kind inside a query, where millions of rows are grouped by it; stored nowhere. */
export function kindNumber(kind: EventKind): number {
  return Object.keys(KINDS).indexOf(kind);
}

/** The kind that a number in a query stands for. */
export function kindNumbered(number: number): EventKind {
  const kind = (Object.keys(KINDS) as EventKind[])[number];
  if (kind === undefined) throw new Error(`no kind of event has the number ${number}`);
  return kind;
}

type Declared = (typeof KINDS)[EventKind];
/** A column of a rollup table that is summed up. */
export type Measure = Declared['count'] | Declared['money'];

const DECLARED: readonly Declared[] = Object.values(KINDS);

export const COUNTS: readonly Declared['count'][] = DECLARED.map(({ count }) => count);
/** In micros, by currency. */
export const MONEY: readonly Declared['money'][] = [...new Set(DECLARED.map(({ money }) => money))];
export const MEASURES: readonly Measure[] = [...COUNTS, ...MONEY];

/**
 * What a figure is to whoever pays: `billed`, or told beside the bill: of impressions that are not there
 * (`unmatched`), or in an order that cannot be (`invalid`).
 */
export const STANDINGS = ['billed', 'unmatched', 'invalid'] as const;
export type Standing = (typeof STANDINGS)[number];

/** The standing of a kind, by the part its event type plays. */
export function standingOf(kind: EventKind): Standing {
  const part = PARTS[KINDS[kind].of] as Part;
  if (part.plays === 'shown') return 'billed';
  if (part.unmatched === kind) return 'unmatched';
  return part.early === kind ? 'invalid' : 'billed';
}

/** The measures that hold figures of each standing. */
export const MEASURES_BY_STANDING: Readonly<Record<Standing, readonly Measure[]>> = {
  billed: measuresOf('billed'),
  unmatched: measuresOf('unmatched'),
  invalid: measuresOf('invalid'),
};

function measuresOf(standing: Standing): Measure[] {
  const kinds = (Object.keys(KINDS) as EventKind[]).filter((kind) => standingOf(kind) === standing);
  return MEASURES.filter((measure) =>
    kinds.some((kind) => KINDS[kind].count === measure || KINDS[kind].money === measure),
  );
}
