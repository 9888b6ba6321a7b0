import { EVENT_TYPES, type EventType } from '@adtally/event-schema';
import { type EventKind, KINDS, type Measure, type Part, PARTS } from '../measures.ts';

/** Why an event counts or not: its kind in the rollups, or that it is stored and not summed up yet. */
export type EventClass = EventKind | 'waiting';

type WaitingMeasure = `waiting_${EventType}s` | 'waiting_spend_micros' | 'waiting_value_micros';

/** What figures sum up, by the names under which they are told: what the rollups hold, and what waits for them. */
export type FigureMeasure = Measure | WaitingMeasure;

/** The two sums that an event of this type and class adds to. */
export function measuresOf(
  type: EventType,
  eventClass: EventClass,
): { readonly count: FigureMeasure; readonly money: FigureMeasure } {
  if (eventClass !== 'waiting') return KINDS[eventClass];
  const money = PARTS[type].plays === 'result' ? 'waiting_value_micros' : 'waiting_spend_micros';
  return { count: `waiting_${type}s`, money };
}

/** The classes of a type, in the order in which they are told; the events of all of them are those stored. */
export function classesOf(type: EventType): readonly EventClass[] {
  const kinds = (Object.keys(KINDS) as EventKind[]).filter((kind) => KINDS[kind].of === type);
  return [...kinds, 'waiting'];
}

/** What a class says of an event, for people. */
export function classWords(eventClass: EventClass): string {
  if (eventClass === 'waiting') return 'waiting: stored and not summed up yet';
  const part: Part = PARTS[KINDS[eventClass].of];
  const words = ROLE_WORDS.find(([role]) => role in part && part[role as never] === eventClass);
  if (words === undefined) throw new Error(`no part of an event type gives ${eventClass}`);
  return words[1];
}

/** By what a part calls the kind. */
const ROLE_WORDS = [
  ['counted', 'billed'],
  ['earnedByAct', 'credited to a click'],
  ['earnedByShown', 'credited to its impression (view)'],
  ['unmatched', 'unmatched: no impression of its id is stored'],
  ['early', 'invalid order: it lies before its impression'],
] as const;

/** What figures sum up, in one order. */
export const FIGURE_MEASURES: readonly FigureMeasure[] = [
  ...new Set(
    EVENT_TYPES.flatMap((type) =>
      classesOf(type).flatMap((eventClass) => Object.values(measuresOf(type, eventClass))),
    ),
  ),
];

// Copied for each line of a report: to build it anew each time took longer than the query.
const NONE = Object.fromEntries(FIGURE_MEASURES.map((measure) => [measure, 0n])) as Readonly<
  Record<FigureMeasure, bigint>
>;

/** Every sum, each zero. */
export function noFigures(): Record<FigureMeasure, bigint> {
  return { ...NONE };
}
