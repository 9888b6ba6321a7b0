import { type ClassCount, classWords } from '@adtally/analytics';
import { formatTable } from '@adtally/command-line';
import { count } from '../words.ts';

const RIGHT_ALIGNED = new Set([2]);

/** What becomes of the stored events: a line a class, and the sum of each type, which is what is stored. */
export function classesText(classes: readonly ClassCount[]): string {
  const groups = Map.groupBy(classes, ({ type }) => type);
  const lines = [...groups].flatMap(([type, ofType]) => [
    ...ofType
      .filter(({ events }, index) => events > 0n || index === 0)
      .map(({ eventClass, events }) => [type, classWords(eventClass), count(events)]),
    [type, 'stored in all', count(storedOf(ofType))],
  ]);
  return formatTable([['TYPE', 'WHAT BECOMES OF THEM', 'EVENTS'], ...lines], RIGHT_ALIGNED);
}

export function classesJson(classes: readonly ClassCount[]): object {
  const groups = Map.groupBy(classes, ({ type }) => type);
  return Object.fromEntries(
    [...groups].map(([type, ofType]) => [
      type,
      {
        ...Object.fromEntries(ofType.map(({ eventClass, events }) => [eventClass, events])),
        stored: storedOf(ofType),
      },
    ]),
  );
}

/** No event of any type. */
export function isNothingStored(classes: readonly ClassCount[]): boolean {
  return storedOf(classes) === 0n;
}

function storedOf(classes: readonly ClassCount[]): bigint {
  return classes.reduce((sum, { events }) => sum + events, 0n);
}
