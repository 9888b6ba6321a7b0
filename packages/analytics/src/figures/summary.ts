import { EVENT_TYPES, type EventType } from '@adtally/event-schema';
import {
  classesOf,
  type EventClass,
  FIGURE_MEASURES,
  type FigureMeasure,
  measuresOf,
  noFigures,
} from './classes.ts';
import type { FigureRow } from './read-figures.ts';

type Sums = FigureRow['sums'];

/** How many events of a type are of a class. */
export interface ClassCount {
  readonly type: EventType;
  readonly eventClass: EventClass;
  readonly events: bigint;
}

/** A line for each class of each type; those of a type add up to the events that are stored. */
export function classCounts(rows: readonly { readonly sums: Sums }[]): ClassCount[] {
  const sums = addedUp(rows);
  return EVENT_TYPES.flatMap((type) =>
    classesOf(type).map((eventClass) => ({
      type,
      eventClass,
      events: sums[measuresOf(type, eventClass).count],
    })),
  );
}

/** How many events of a type are stored: those of all its classes. */
export function storedEvents(sums: Sums, type: EventType): bigint {
  return classesOf(type).reduce((sum, one) => sum + sums[measuresOf(type, one).count], 0n);
}

/** The sums of several rows together; money only where they are of one currency. */
export function addedUp(
  rows: readonly { readonly sums: Sums }[],
): Readonly<Record<FigureMeasure, bigint>> {
  const [first] = rows;
  // Nearly every line of a report has one currency.
  if (first !== undefined && rows.length === 1) return first.sums;
  const total = noFigures();
  for (const { sums } of rows) {
    for (const measure of FIGURE_MEASURES) {
      const value = sums[measure];
      // Most are: to add them up all the same takes longer than to ask.
      if (value !== 0n) total[measure] += value;
    }
  }
  return total;
}

/** Conversions that count, whoever earned them. */
export function conversionsOf(sums: Sums): bigint {
  return sums.click_conversions + sums.view_conversions;
}

/** What counted conversions are worth. */
export function valueOf(sums: Sums): bigint {
  return sums.click_value_micros + sums.view_value_micros;
}

/**
 * A quotient with six digits behind the point, rounded half up; null where the divisor is 0.
 *
 * @param divisor not negative
 */
export function rate(dividend: bigint, divisor: bigint): string | null {
  if (divisor === 0n) return null;
  const millionths = rounded(dividend * 1_000_000n, divisor);
  const [sign, digits] = millionths < 0n ? ['-', -millionths] : ['', millionths];
  return `${sign}${digits / 1_000_000n}.${String(digits % 1_000_000n).padStart(6, '0')}`;
}

/** A quotient as a whole number, rounded half up; null where the divisor is 0. @param divisor not negative */
export function quotient(dividend: bigint, divisor: bigint): bigint | null {
  return divisor === 0n ? null : rounded(dividend, divisor);
}

function rounded(dividend: bigint, divisor: bigint): bigint {
  const doubled = dividend * 2n + divisor;
  const down = doubled / (divisor * 2n);
  return doubled < 0n && doubled % (divisor * 2n) !== 0n ? down - 1n : down;
}
