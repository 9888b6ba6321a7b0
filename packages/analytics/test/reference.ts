import { EVENT_TYPES, type AdEvent } from '@adtally/event-schema';
import { eventKeyOf } from '@adtally/key-derivation';
import { KINDS, MEASURES, ROLLUPS, type EventKind, type Rollup } from '../src/index.ts';
import { bytesOf, microsOf } from './events.ts';

/**
 * The rollups in plain code, written apart from the SQL: what must come out, whatever the way there.
 * By rollup, then by a key of hour and dimensions: every measure that is not zero.
 */
export type Totals = Readonly<
  Record<Rollup, ReadonlyMap<string, Readonly<Record<string, string>>>>
>;

export interface Rules {
  readonly windowMs: number;
  readonly toleranceMs: number;
}

export interface Credited {
  readonly kind: EventKind;
  readonly event: AdEvent;
  /** Whose dimensions count. */
  readonly credit: AdEvent;
}

const HOUR_MICROS = 3_600_000_000n;

/** Sums up a set of events (copies of an identity count once: the first). */
export function referenceTotals(events: readonly AdEvent[], rules: Rules): Totals {
  const unique = [...new Map(events.toReversed().map((event) => [keyText(event), event])).values()];
  const names = Object.keys(ROLLUPS) as Rollup[];
  const totals = Object.fromEntries(
    names.map((rollup) => [rollup, new Map<string, Record<string, string>>()]),
  ) as Record<Rollup, Map<string, Record<string, string>>>;
  for (const ofOne of Map.groupBy(unique, (event) => event.impression_id).values()) {
    for (const credited of attribute(ofOne, rules)) {
      for (const rollup of names) add(totals[rollup], rollup, credited);
    }
  }
  return totals;
}

/** f: what becomes of each event of one impression. */
export function attribute(events: readonly AdEvent[], rules: Rules): Credited[] {
  const ordered = events.toSorted(inOrder);
  const impression = ordered.find((event) => event.event_type === 'impression');
  const tolerance = BigInt(rules.toleranceMs) * 1000n;
  const earliest = impression === undefined ? 0n : microsOf(impression) - tolerance;
  let lastClick: AdEvent | undefined;
  return ordered.map((event) => {
    const is = (kind: EventKind, credit = event): Credited => ({ kind, event, credit });
    if (event.event_type === 'impression') return is('impression');
    if (impression === undefined) return is(`unmatched_${event.event_type}`);
    if (microsOf(event) < earliest) return is(`early_${event.event_type}`);
    switch (event.event_type) {
      case 'click':
        lastClick = event;
        return is('click');
      case 'conversion': {
        const isEarned =
          lastClick !== undefined &&
          microsOf(event) - microsOf(lastClick) <= BigInt(rules.windowMs) * 1000n;
        return isEarned ? is('click_conversion', lastClick) : is('view_conversion', impression);
      }
      default:
        return event satisfies never;
    }
  });
}

function inOrder(a: AdEvent, b: AdEvent): number {
  const [timeA, timeB] = [microsOf(a), microsOf(b)];
  if (timeA !== timeB) return timeA < timeB ? -1 : 1;
  const [rankA, rankB] = [EVENT_TYPES.indexOf(a.event_type), EVENT_TYPES.indexOf(b.event_type)];
  return rankA - rankB || (keyText(a) < keyText(b) ? -1 : 1);
}

function add(
  totals: Map<string, Record<string, string>>,
  rollup: Rollup,
  { kind, event, credit }: Credited,
): void {
  const micros = microsOf(event);
  const hour = (micros / HOUR_MICROS) * HOUR_MICROS;
  const values = credit as unknown as Readonly<Record<string, string | undefined>>;
  const dimensions = ROLLUPS[rollup].dimensions.map((name) => values[name] ?? '');
  const key = JSON.stringify([String(hour), ...dimensions, event.currency]);
  const row = totals.get(key) ?? {};
  const { count, money } = KINDS[kind];
  const amount = 'value_micros' in event ? event.value_micros : event.price_micros;
  const sum = (measure: string, by: bigint) => {
    const value = BigInt(row[measure] ?? 0) + by;
    if (value !== 0n) row[measure] = String(value);
  };
  sum(count, 1n);
  sum(money, amount);
  totals.set(key, row);
}

function keyText(event: AdEvent): string {
  const impressionId = bytesOf(event.impression_id);
  return eventKeyOf(event.event_type, impressionId, ownIdOf(event)).toString('hex');
}

function ownIdOf(event: AdEvent): Buffer | null {
  switch (event.event_type) {
    case 'impression':
      return null;
    case 'click':
      return bytesOf(event.click_id);
    case 'conversion':
      return Buffer.from(event.conversion_id);
    default:
      return event satisfies never;
  }
}

/** A rollup row as the database gives it, in the reference's form. */
export function rowEntry(
  rollup: Rollup,
  row: Readonly<Record<string, unknown>>,
): [string, Readonly<Record<string, string>>] {
  const dimensions = ROLLUPS[rollup].dimensions.map((name) => row[name]);
  const key = JSON.stringify([String(row['hour_micros']), ...dimensions, row['currency']]);
  const measures = MEASURES.map((name) => [name, String(row[name])] as const);
  return [key, Object.fromEntries(measures.filter(([, value]) => value !== '0'))];
}
