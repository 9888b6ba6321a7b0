import type { Schema } from '@adtally/db';
import { type FIELDS, PAYLOAD_COLUMNS } from '@adtally/event-schema';

/** A column of `events` that a rollup may distinguish: text, as its rows hold it. */
export type Dimension = Extract<
  (typeof FIELDS)[number],
  { readonly kind: 'text'; readonly column: string }
>['column'];

/** A rollup's table has its dimensions as columns. */
type RollupDeclaration = {
  [T in keyof Schema]: {
    readonly table: T;
    readonly dimensions: readonly (Dimension & keyof Schema[T])[];
  };
}[keyof Schema];

/**
 * The rollups: their tables and what each distinguishes beside hour and currency. The query that attributes
 * and sums up follows from this table. A version keeps those that were declared when it was made; see
 * docs/how-to-add-a-rollup.md.
 */
export const ROLLUPS = {
  campaign: { table: 'rollup_by_campaign', dimensions: ['campaign_id'] },
  creative: { table: 'rollup_by_creative', dimensions: ['campaign_id', 'creative_id'] },
  placement: { table: 'rollup_by_placement', dimensions: ['campaign_id', 'placement_id'] },
} as const satisfies Readonly<Record<string, RollupDeclaration>>;

export type Rollup = keyof typeof ROLLUPS;

export const ALL_ROLLUPS = Object.keys(ROLLUPS) as readonly Rollup[];

export function isRollup(name: string): name is Rollup {
  return Object.hasOwn(ROLLUPS, name);
}

/** The table of a rollup's sums by day of UTC, over its rows that are marked `in_days` (docs/adr/0046). */
export function daysTableOf(rollup: Rollup): `rollup_days_by_${Rollup}` & keyof Schema {
  return `rollup_days_by_${rollup}`;
}

/** What these rollups distinguish together, in the order of their declarations. */
export function dimensionsOf(rollups: readonly Rollup[]): readonly Dimension[] {
  return [...new Set(rollups.flatMap((rollup) => dimensionsIn(rollup)))];
}

/** What a rollup distinguishes. */
export function dimensionsIn(rollup: Rollup): readonly Dimension[] {
  return ROLLUPS[rollup].dimensions;
}

/** Whether an event may lack a value; a rollup's row has the empty text there, which no event has. */
export function isOptional(dimension: Dimension): boolean {
  return PAYLOAD_COLUMNS.some(({ name, nullable }) => name === dimension && nullable);
}

/**
 * The sets of dimensions that `totals` are grouped by, and which of them each rollup is summed up from: none
 * that another one includes, since each set costs every event. So campaigns are sums of their creatives.
 */
export function groupingSetsOf(rollups: readonly Rollup[]): {
  readonly sets: readonly (readonly Dimension[])[];
  readonly setOf: (rollup: Rollup) => number;
} {
  const includes = (whole: readonly Dimension[], part: readonly Dimension[]): boolean =>
    part.every((dimension) => whole.includes(dimension));
  const sets: (readonly Dimension[])[] = [];
  const widestFirst = rollups.map(dimensionsIn).toSorted((a, b) => b.length - a.length);
  for (const dimensions of widestFirst)
    if (!sets.some((set) => includes(set, dimensions))) sets.push(dimensions);
  return {
    sets,
    setOf: (rollup) => sets.findIndex((set) => includes(set, dimensionsIn(rollup))),
  };
}
