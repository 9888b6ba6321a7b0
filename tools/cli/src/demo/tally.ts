import { type JsonInteger, jsonInteger } from '@adtally/db';
import type { Truth } from '@adtally/event-simulator';

/** Counts and sums of one run: as the producer knows them, or as the database has them. */
export interface Tally {
  readonly records: bigint;
  readonly unique: bigint;
  readonly byEventType: Readonly<Record<string, bigint>>;
  readonly duplicate: bigint;
  readonly conflict: bigint;
  /** By rejection code. */
  readonly deadLettered: Readonly<Record<string, bigint>>;
  /** Dead-lettered records whose bytes are kept: on the DLQ topic, or in the database if too large. */
  readonly deadLettersKept: bigint;
  /** Micros of the unique events, by currency. */
  readonly money: Readonly<Record<string, bigint>>;
}

/** One line of expected against actual. */
export interface TallyLine {
  readonly name: string;
  /** A part of the line above it. */
  readonly part: boolean;
  readonly unit: 'count' | 'micros';
  readonly expected: bigint;
  readonly actual: bigint;
}

/** What must be in the database once everything the producer got acknowledged is counted. */
export function tallyOfTruth(truth: Truth): Tally {
  const deadLettered = bigints(truth.dead_lettered);
  return {
    records: BigInt(truth.acked),
    unique: BigInt(truth.unique),
    byEventType: bigints(truth.by_event_type),
    duplicate: BigInt(truth.duplicate),
    conflict: BigInt(truth.conflict),
    deadLettered,
    deadLettersKept: sum(deadLettered),
    money: bigints(truth.money),
  };
}

/** Line by line; a code, type or currency that only one side knows is 0 on the other. */
export function compareTallies(expected: Tally, actual: Tally): TallyLine[] {
  const line = (
    name: string,
    pick: (tally: Tally) => bigint,
    unit: TallyLine['unit'] = 'count',
    part = false,
  ): TallyLine => ({ name, part, unit, expected: pick(expected), actual: pick(actual) });
  const parts = (
    group: 'byEventType' | 'deadLettered' | 'money',
    unit: TallyLine['unit'],
    prefix = '',
  ): TallyLine[] =>
    [...new Set([...Object.keys(expected[group]), ...Object.keys(actual[group])])]
      .toSorted()
      .map((key) => line(`${prefix}${key}`, (tally) => tally[group][key] ?? 0n, unit, true));
  return [
    line('records', (tally) => tally.records),
    line('unique', (tally) => tally.unique),
    ...parts('byEventType', 'count'),
    line('duplicate', (tally) => tally.duplicate),
    line('conflict', (tally) => tally.conflict),
    line('dead-lettered', (tally) => sum(tally.deadLettered)),
    ...parts('deadLettered', 'count'),
    line('dead letters kept', (tally) => tally.deadLettersKept),
    ...parts('money', 'micros', 'money ').map((one) => ({ ...one, part: false })),
  ];
}

export function isEqual(line: TallyLine): boolean {
  return line.expected === line.actual;
}

/** The tally as JSON: counts as numbers where they are safe, sums of money always as digits. */
export function tallyJson(tally: Tally): object {
  return {
    records: jsonInteger(tally.records),
    unique: jsonInteger(tally.unique),
    by_event_type: counts(tally.byEventType),
    duplicate: jsonInteger(tally.duplicate),
    conflict: jsonInteger(tally.conflict),
    dead_lettered: counts(tally.deadLettered),
    dead_letters_kept: jsonInteger(tally.deadLettersKept),
    money_micros: mapValues(tally.money, (value) => value.toString()),
  };
}

function counts(values: Readonly<Record<string, bigint>>): Record<string, JsonInteger> {
  return mapValues(values, jsonInteger);
}

function bigints(values: Readonly<Record<string, number | string>>): Record<string, bigint> {
  return mapValues(values, (value) => BigInt(value));
}

function sum(values: Readonly<Record<string, bigint>>): bigint {
  return Object.values(values).reduce((total, value) => total + value, 0n);
}

function mapValues<V, W>(
  values: Readonly<Record<string, V>>,
  change: (value: V) => W,
): Record<string, W> {
  return Object.fromEntries(
    Object.entries(values)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, value]) => [key, change(value)]),
  );
}
